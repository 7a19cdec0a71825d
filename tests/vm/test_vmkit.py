# SPDX-License-Identifier: MIT
"""The machines of the tests: which boot is made again. Boots nothing itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import vmkit
from vmkit import AFTER_IT, MOST_CAUGHT, SELF_TEST, Lab, Setting

from xsc.vm.errors import BootTimeout

CAUGHT = f"[ 5.1] {SELF_TEST}\n"
BEYOND = f"{CAUGHT}[ 5.2] {AFTER_IT} ...\n"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> Lab:
    """A lab whose boots leave one console after the other; None is a boot that succeeds."""
    consoles = iter(request.param)
    console = tmp_path / "console.log"

    class FakeMachine:
        def __init__(self, spec: object) -> None:
            del spec

            self.boots = 2

        def boot(self) -> None:
            said = next(consoles)
            if said is not None:
                console.write_text(said)
                raise BootTimeout("no answer")

    monkeypatch.setattr(vmkit, "Machine", FakeMachine)
    monkeypatch.setattr(vmkit, "specification", lambda *words: None)
    made = Lab(Setting(kernel="debug", steps=()), lambda step: tmp_path / step)
    made.console.parent.rmdir()
    made.console = console
    return made


@pytest.mark.parametrize("lab", [[CAUGHT] * MOST_CAUGHT + [None]], indirect=True)
def test_a_caught_boot_is_made_again_and_counted(lab: Lab) -> None:
    assert lab.machine is lab.machine
    assert (lab.caught, lab.aborted) == (MOST_CAUGHT, MOST_CAUGHT + 1)


@pytest.mark.parametrize("lab", [[CAUGHT] * (MOST_CAUGHT + 1)], indirect=True)
def test_boots_that_are_always_caught_end(lab: Lab) -> None:
    with pytest.raises(BootTimeout):
        lab.machine  # noqa: B018


@pytest.mark.parametrize("lab", [[BEYOND, None], ["", None]], indirect=True)
def test_a_boot_that_hangs_elsewhere_is_not_made_again(lab: Lab) -> None:
    with pytest.raises(BootTimeout):
        lab.machine  # noqa: B018
    assert lab.caught == 0
