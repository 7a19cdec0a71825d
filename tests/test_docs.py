# SPDX-License-Identifier: MIT
"""The documents agree with the tree: links, the ABI, the man page, commands, the patch budget."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import typer

from xsc.build import registry
from xsc.cli import app, hoist

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "linux/overlay/include/uapi/linux/xsc.h"
ABI = ROOT / "docs/abi.md"
MAN = ROOT / "docs/man/xsc.1"
PATCH_LINES = 150
TYPE_BYTES = {"__u16": 2, "__u32": 4, "__s32": 4, "__u64": 8, "__s64": 8}
SPDX = re.compile(r"SPDX-License-Identifier: (.+?)\s*(?:\*/|-->)?$", re.MULTILINE)


def tracked() -> list[str]:
    """Return the files git tracks or would track, relative to the checkout."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(name for name in set(listed.stdout.split("\0")) if (ROOT / name).is_file())


def documents() -> list[str]:
    """Return all Markdown files."""
    return [name for name in tracked() if name.endswith(".md")]


def without_code(text: str) -> str:
    """Return Markdown with its fenced blocks and code spans blanked."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda match: match.group().strip("`"), text)


def anchors(text: str) -> set[str]:
    """Return the anchors that a Markdown viewer makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    plain = (re.sub(r"&[a-z]+;|[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("name", documents())
def test_links_resolve(name: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code((ROOT / name).read_text())):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists() or (
            anchor and file.suffix == ".md" and anchor not in anchors(file.read_text())
        ):
            broken.append(target)
    assert not broken


def test_links_are_really_looked_at() -> None:
    assert anchors("# A `b` c-d\n```\n# no\n```\n## 1.1 x, y\n") == {"a-b-c-d", "11-x-y"}
    assert "](" in without_code((ROOT / "docs/internals.md").read_text())


# The ABI -----------------------------------------------------------------------------------------


def header_defines() -> dict[str, int]:
    """Return the numeric macros of the uapi header."""
    found = re.findall(r"^#define (\w+)\s+(0x[0-9a-fA-F]+|\d+)u?\b", HEADER.read_text(), re.M)
    return {name: int(value, 0) for name, value in found}


def header_layout(struct: str) -> tuple[list[tuple[int, str, str]], int]:
    """Return (offset, type, field) of a structure of the header, and its size.

    Every field is naturally aligned, or the test of the header fails first.
    """
    match = re.search(rf"^struct {struct} {{\n(.*?)^}};", HEADER.read_text(), re.M | re.S)
    assert match is not None
    rows, offset = [], 0
    for kind, field, count in re.findall(r"^\t(\w+) (\w+)(?:\[(\d+)\])?;", match.group(1), re.M):
        assert offset % TYPE_BYTES[kind] == 0, f"{struct}.{field} is not aligned"
        rows.append((offset, kind, field))
        offset += TYPE_BYTES[kind] * int(count or 1)
    assert len(rows) == match.group(1).count(";")
    return rows, offset


def table_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every table row, without their back-ticks."""
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("struct", ["xsc_ctrl", "xsc_sqe", "xsc_cqe"])
def test_abi_tables_have_the_layout_of_the_header(struct: str) -> None:
    rows, size = header_layout(struct)
    section = re.search(rf"^### struct {struct}, (\d+) bytes$(.*?)^#", ABI.read_text(), re.M | re.S)
    assert section is not None
    assert int(section.group(1)) == size
    cells = [row for row in table_rows(section.group(2)) if row[0].isdigit()]
    assert [(int(row[0]), row[1], row[2]) for row in cells] == rows


def test_abi_numbers_are_those_of_the_header() -> None:
    defines = header_defines()
    text = ABI.read_text()
    rows = list(table_rows(text))
    pages = {int(row[0], 16): row[1] for row in rows if re.fullmatch(r"0x[0-3]000", row[0])}
    assert pages == {defines[f"XSC_OFF_{name}"]: name for name in ("CTRL", "SR", "CR", "BELL")}
    named = {row[0]: int(row[1], 0) for row in rows if re.match(r"(AT|XSC_FEAT)_", row[0])}
    assert len(named) >= 4
    assert named == {name: defines[name] for name in named}
    magic = next(row[3] for row in rows if row[1:3] == ["__u32", "magic"])
    assert int(magic, 16) == defines["XSC_CTRL_MAGIC"]
    assert f"version {defines['XSC_ABI_VERSION']}" in text.splitlines()[0]
    assert f"`XSC_CQE_RESTARTED` ({defines['XSC_CQE_RESTARTED']})" in text


def test_abi_names_all_of_the_header() -> None:
    text = ABI.read_text()
    public = {name for name in header_defines() if name.startswith(("AT_", "NT_", "XSC_FEAT"))}
    assert len(public) >= 5
    assert not {name for name in public if name not in text}


def test_abi_lists_the_kernel_interfaces() -> None:
    stats = (ROOT / "linux/overlay/drivers/xsc/stats.c").read_text()
    events = (ROOT / "linux/overlay/include/trace/events/xsc.h").read_text()
    poll = (ROOT / "linux/overlay/drivers/xsc/poll.c").read_text()
    keys = re.findall(r'seq_printf\(m, "(\w+):', stats) + re.findall(r"XSC_FIELD\((\w+)\),", stats)
    files = re.findall(r"&(\w+)_attr\.attr,", stats + poll)
    points = [f"xsc:{name}" for name in re.findall(r"^TRACE_EVENT\((\w+),", events, re.M)]
    assert len(keys) >= 14 and len(files) >= 11 and len(points) >= 6
    first = {row[0] for row in table_rows(ABI.read_text())}
    assert not {*keys, *files, *points} - first


# The command line and its manual -----------------------------------------------------------------


def commands() -> dict[str, Any]:
    """Return every command of the program by its words; the empty name is the program itself."""
    top: Any = typer.main.get_command(app)
    found: dict[str, Any] = {"": top}
    pending = [("", top)]
    while pending:
        prefix, group = pending.pop()
        for name, command in group.commands.items():
            words = f"{prefix} {name}".strip()
            if hasattr(command, "commands"):
                pending.append((words, command))
            else:
                found[words] = command
    return found


def options(command: Any) -> set[str]:
    """Return all spellings of a command's own options."""
    options = [p for p in command.params if p.param_type_name == "option"]
    return {spelling for option in options for spelling in [*option.opts, *option.secondary_opts]}


def manual_sections() -> dict[str, str]:
    """Return the text of each verb's subsection, and under the empty name the global options."""
    text = MAN.read_text().replace("\\-", "-")
    _, _, rest = text.partition(".SH GLOBAL OPTIONS\n")
    general, _, verbs = rest.partition(".SH VERBS\n")
    verbs = verbs[: verbs.index("\n.SH ")]
    sections = {"": general}
    for section in re.split(r"^\.SS ", verbs, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        words = re.match(r"[a-z]+( [a-z]+)*", title)
        assert words is not None
        sections[words.group()] = body
    return sections


def manual_options(section: str) -> set[str]:
    """Return the options that head a tagged paragraph."""
    tags = re.findall(r"^\.TP\n(.*)$", section, re.MULTILINE)
    plain = (re.sub(r'\\f.|"', " ", re.sub(r"^\.[A-Z]+ ", "", tag)) for tag in tags)
    found = [word for tag in plain for word in re.findall(r"(?:^|[\s,])(--?[a-z][a-z-]*)", tag)]
    assert len(found) == len(set(found)), "an option is described twice"
    return set(found)


def test_manual_has_every_verb_and_no_other() -> None:
    assert set(manual_sections()) == set(commands())


@pytest.mark.parametrize("verb", sorted(commands()))
def test_manual_has_every_option_and_no_other(verb: str) -> None:
    written = manual_options(manual_sections().get(verb, ""))
    assert written - {"-h", "--help"} == options(commands()[verb]) - {"-h", "--help"}


def test_manual_options_are_really_read() -> None:
    page = '.TP\n.BR -n ", " --no-stdin\nx\n.TP\n\\fB-j\\fP \\fIn\\fP, \\fB--jobs=\\fP\\fIn\\fP\n'
    assert manual_options(page) == {"-n", "--no-stdin", "-j", "--jobs"}
    assert "--kernel-arg" in manual_options(manual_sections()["vm exec"])


def test_manual_has_the_exit_codes() -> None:
    codes: dict[str, int] = {}
    for name in ("errors.py", "vm/errors.py"):
        tree = ast.parse((ROOT / "src/xsc" / name).read_text())
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                codes[ast.unparse(node.targets[0])] = node.value.value
    exits = {value for name, value in codes.items() if name.startswith("EXIT_")}
    assert {0, 1, 2, 64} <= exits
    section = MAN.read_text().partition(".SH EXIT STATUS\n")[2].partition("\n.SH ")[0]
    assert {int(code) for code in re.findall(r"^\.B (\d+)$", section, re.M)} == exits


def shell_lines(text: str) -> Iterator[str]:
    """Yield the commands of this project in the fenced blocks of a document."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language not in ("", "sh"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            line = line.removeprefix("$ ").strip()
            if line.startswith("./xsc "):
                yield line


def readme_commands() -> list[str]:
    """Return each command of this project that a document shows, once."""
    return sorted({line for name in documents() for line in shell_lines((ROOT / name).read_text())})


@pytest.mark.parametrize("line", readme_commands())
def test_shown_commands_parse(line: str) -> None:
    words = hoist(shlex.split(line, comments=True)[1:])
    command: Any = typer.main.get_command(app)
    parent = None
    while True:
        # Parses without running anything: a wrong option or a missing argument raises.
        context = command.make_context(command.name, list(words), parent=parent)
        if not hasattr(command, "commands"):
            return
        rest = [*context._protected_args, *context.args]
        assert rest, f"{line}: no verb"
        assert rest[0] in command.commands, f"{line}: no verb {rest[0]}"
        command, words, parent = command.commands[rest[0]], rest[1:], context


def test_documents_show_commands() -> None:
    assert {"./xsc run", "./xsc test"} <= set(shell_lines((ROOT / "README.md").read_text()))


# Files -------------------------------------------------------------------------------------------


def test_no_file_is_named_like_a_report() -> None:
    wrong = re.compile(r"STATUS|COMPLETE|SUMMARY|PROGRESS", re.ASCII)
    assert not [name for name in tracked() if wrong.search(PurePosixPath(name).name)]


def test_kernel_patches_stay_within_budget() -> None:
    patches = sorted((ROOT / "linux/patches").glob("*.patch"))
    assert patches
    lines = [line for patch in patches for line in patch.read_text().splitlines()]
    added = sum(line.startswith("+") and not line.startswith("+++ ") for line in lines)
    assert 0 < added <= PATCH_LINES


def named_paths() -> Iterator[tuple[str, str]]:
    """Yield each document with each path of the checkout that it names as code."""
    tops = {name.partition("/")[0] for name in tracked() if "/" in name}
    for name in documents():
        for path in re.findall(r"`([\w.+-]+/[\w./+-]*)`", (ROOT / name).read_text()):
            if path.partition("/")[0] in tops:
                yield name, path


def test_named_paths_exist() -> None:
    found = list(named_paths())
    assert len(found) > 30
    assert not [(name, path) for name, path in found if not (ROOT / path).exists()]


def test_kernel_files_of_the_internals_exist() -> None:
    section = (ROOT / "docs/internals.md").read_text().partition("### 1.1")[0]
    files = {row[0] for row in table_rows(section) if "/" in row[0]}
    drivers = {f"drivers/xsc/{path.name}" for path in ROOT.glob("linux/overlay/drivers/xsc/*.c")}
    assert len(drivers) > 5
    assert drivers <= files
    assert not [name for name in files if not (ROOT / "linux/overlay" / name).exists()]


def test_every_hazard_names_tests_that_exist() -> None:
    rows = list(table_rows((ROOT / "docs/hazards.md").read_text()))[2:]
    assert [row[0] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert len(rows) >= 33
    guest = {path.stem for path in (ROOT / "tests/guest").glob("*.c")}
    for number, _, answer, tests in rows:
        names = tests.split(", ")
        assert answer and names, number
        unknown = [name for name in names if name not in guest and not (ROOT / name).is_file()]
        assert not unknown, f"hazard {number} names {unknown}"


def test_internals_list_every_step() -> None:
    section = (ROOT / "docs/internals.md").read_text().partition("### 4.6 Steps")[2]
    cells = " ".join(row[0] for row in table_rows(section.partition("\n## ")[0]))
    assert set(re.findall(r"[a-z][a-z-]+", cells)) - {"step"} == set(registry())


def test_decisions_are_listed() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    pages = sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", index) == pages
    numbers = [int(name[:4]) for name in pages]
    assert len(numbers) == len(set(numbers)), "a number is used twice"


def test_support_matrix_has_the_boots_that_are_tested() -> None:
    tree = ast.parse((ROOT / "tests/vm/test_vm_boot.py").read_text())
    (systems,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SYSTEMS"
    )
    rows = table_rows((ROOT / "docs/support-matrix.md").read_text())
    boots = [tuple(row) for row in rows if row[0] in ("bios", "uefi")]
    assert [row[:6] for row in boots] == systems
    assert {row[6] for row in boots} <= {"tested", "expected"}


def test_maintained_paths_exist() -> None:
    named = re.findall(r"^[FX]:\t(\S+)$", (ROOT / "MAINTAINERS").read_text(), re.MULTILINE)
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]


def reuse_licence(name: str, annotations: list[dict[str, Any]]) -> str | None:
    """Return the licence REUSE.toml gives a file; the last table that matches decides."""
    licence = None
    for table in annotations:
        globs = [table["path"]] if isinstance(table["path"], str) else table["path"]
        for glob in globs:
            pattern = re.escape(glob).replace(r"\*\*/", "(.*/)?").replace(r"\*\*", ".*")
            if re.fullmatch(pattern.replace(r"\*", "[^/]*"), name):
                licence = table.get("SPDX-License-Identifier", licence)
    return licence


def test_every_file_has_a_licence_whose_text_is_here() -> None:
    annotations = tomllib.loads((ROOT / "REUSE.toml").read_text())["annotations"]
    # Linux spells the licence of its uapi headers without `-only`.
    texts = {path.stem for path in (ROOT / "LICENSES").iterdir()} | {"GPL-2.0"}
    wrong = []
    for name in tracked():
        if name.startswith("LICENSES/"):
            continue
        head = (ROOT / name).read_bytes()[:1000].decode("utf-8", "replace")
        own = SPDX.search(head)
        licence = own.group(1) if own else reuse_licence(name, annotations)
        words = re.findall(r"[A-Za-z][\w.+-]+", licence or "nothing")
        if {word for word in words if word not in ("OR", "AND", "WITH")} - texts:
            wrong.append(f"{name}: {licence}")
    assert not wrong
