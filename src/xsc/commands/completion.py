# SPDX-License-Identifier: MIT
"""`xsc completion`: shell completion."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]


class Shell(StrEnum):
    """Shells with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell to complete in.")] = Shell.BASH,
) -> None:
    """Print the completion script: eval "$(./xsc completion bash)"."""
    print(get_completion_script(prog_name="xsc", complete_var="_XSC_COMPLETE", shell=shell))
