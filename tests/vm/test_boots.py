# SPDX-License-Identifier: MIT
"""The whole system to multi-user, over and over, in each lane: `XSC_TEST_BOOTS=20` boots each."""

from __future__ import annotations

import os

import pytest
from vmkit import Built, Lab, Setting, laboratory

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]

WORKERS = {"caller": "off", "auto": "auto", "worker": "force", "random": "random"}
"""What `xsc.workers=` is in each lane, and in the default `auto`."""
BOOTS = int(os.environ.get("XSC_TEST_BOOTS", "0"))
COUNTERS = ("calls", "worker", "handed", "traps")


def earned(lab: Lab) -> int:
    """Make calls until a worker has served some, at most for a hundred bursts; say how many."""
    burst = "dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null; cat /sys/kernel/xsc/worker"
    return next((served for _ in range(100) if (served := int(lab.shell(burst)))), 0)


@pytest.mark.skipif(not BOOTS, reason="runs with XSC_TEST_BOOTS=number only")
@pytest.mark.parametrize("number", range(1, BOOTS + 1))
@pytest.mark.parametrize("lane", WORKERS)
def test_the_system_runs(built: Built, lane: str, number: int) -> None:
    args = ("xsc=permissive", f"xsc.workers={WORKERS[lane]}")
    with laboratory(Setting(args=args, init="systemd", steps=()), built) as lab:
        state = lab.run(["systemctl", "is-system-running", "--wait"], 300)
        assert state.stdout.decode().strip() == "running"
        counts = {name: int(lab.shell(f"cat /sys/kernel/xsc/{name}")) for name in COUNTERS}
        print(f"{lane}, boot {number}: {counts}")
        assert counts["traps"] == 0
        if lane == "auto":
            # A worker needs an idle processor: on a busy host the boot may have found none.
            counts["worker"] = earned(lab)
        assert (counts["worker"] + counts["handed"] > 0) == (lane != "caller")
        assert lab.kernel_trouble() == []
