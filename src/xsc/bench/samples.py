# SPDX-License-Identifier: MIT
"""The lines that the benchmark programs print (guest/bench/bench.h), as records."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from xsc.errors import StepFailed

VERSION = 1
LANES = ("trap", "bell", "ring")


class Record(BaseModel):
    """Something that does not change and tolerates no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sample(Record):
    """`count` operations of one lane took `ns` nanoseconds."""

    measure: str
    lane: str
    rep: int = Field(ge=0)
    count: int = Field(gt=0)
    ns: int = Field(gt=0)

    @property
    def cost(self) -> float:
        """Nanoseconds per operation."""
        return self.ns / self.count


class Share(Record):
    """`part` of `whole`, in units that cancel out."""

    measure: str
    lane: str
    rep: int = Field(ge=0)
    part: int = Field(ge=0)
    whole: int = Field(gt=0)

    @property
    def value(self) -> float:
        """The quotient: 0.01 is one per cent."""
        return self.part / self.whole


class Counter(Record):
    """How far a counter moved during one sample."""

    measure: str
    lane: str
    rep: int = Field(ge=0)
    name: str
    delta: int


class Output(Record):
    """All that one or several programs printed. `seconds` is their time by the guest's clock."""

    lanes: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
    bursts: tuple[Sample, ...] = ()
    """The median burst of those samples that consist of bursts."""
    shares: tuple[Share, ...] = ()
    counters: tuple[Counter, ...] = ()
    absent: dict[str, str] = {}
    seconds: float = 0.0

    @property
    def typical(self) -> tuple[Sample, ...]:
        """The median bursts, and the samples of what has no bursts."""
        fine = {burst.measure for burst in self.bursts}
        return (*self.bursts, *(one for one in self.samples if one.measure not in fine))


def join(outputs: Sequence[Output]) -> Output:
    """Return several outputs as one."""
    return Output(
        lanes=tuple(lane for lane in LANES if any(lane in one.lanes for one in outputs)),
        samples=tuple(sample for one in outputs for sample in one.samples),
        bursts=tuple(burst for one in outputs for burst in one.bursts),
        shares=tuple(share for one in outputs for share in one.shares),
        counters=tuple(counter for one in outputs for counter in one.counters),
        absent={name: why for one in outputs for name, why in one.absent.items()},
        seconds=sum(one.seconds for one in outputs),
    )


def parse(text: str) -> Output:
    """Return what one program printed.

    Raises StepFailed at a line that is not understood, and if the last line is not `end`: the
    program died, and medians of what it got to would look like a result.
    """
    lines = text.splitlines()
    words = lines[0].split() if lines else []
    if len(words) != 3 or words[:2] != ["xsc-bench", str(VERSION)]:
        raise StepFailed(
            f"a benchmark program began with {' '.join(words)!r}",
            hint="./xsc build guest-bench makes programs that fit this version",
        )
    if not lines[-1].startswith("end "):
        raise StepFailed(f"{words[2]} did not get through: its last line is {lines[-1]!r}")
    output = Output()
    for line in lines[1:]:
        try:
            output = _add(output, line.split())
        except (ValueError, TypeError) as error:
            raise StepFailed(f"{words[2]} printed {line!r}, which is no record") from error
    return output


def _add(output: Output, words: Sequence[str]) -> Output:
    kind, rest = words[0], list(words[1:])
    if kind == "lanes":
        unknown = set(rest) - set(LANES)
        if unknown:
            raise ValueError(f"lanes {unknown}")
        return output.model_copy(update={"lanes": tuple(rest)})
    if kind == "end":
        return output.model_copy(update={"seconds": int(rest[0]) / 1e9})
    if kind == "absent":
        absent = {**output.absent, rest[0]: " ".join(rest[1:])}
        return output.model_copy(update={"absent": absent})
    types: dict[str, tuple[str, type[Record]]] = {
        "sample": ("samples", Sample),
        "burst": ("bursts", Sample),
        "share": ("shares", Share),
        "counter": ("counters", Counter),
    }
    if kind not in types:
        raise ValueError(kind)
    field, model = types[kind]
    values = dict(zip(model.model_fields, rest, strict=True))
    return output.model_copy(update={field: (*getattr(output, field), model(**values))})
