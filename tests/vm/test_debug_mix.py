# SPDX-License-Identifier: MIT
"""A mix of stressors of others on the kernels that check, with calls in workers by chance.

For as many minutes as `XSC_TEST_MIX` says, on request only:
`XSC_TEST_MIX=20 ./xsc test --vm -k debug_mix`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from test_lanes import counter, slow_hand_overs
from vmkit import Built, Lab, Setting, laboratory

from xsc.vm.klog import data_races

MINUTES = float(os.environ.get("XSC_TEST_MIX") or 0)
pytestmark = [
    pytest.mark.vm,
    pytest.mark.timeout(3600 + 600 * MINUTES),
    pytest.mark.skipif(not MINUTES, reason="runs with XSC_TEST_MIX=MINUTES only"),
]

# Files, sockets, memory, tasks and signals at the same time: what workers run, and what ends them.
STRESSORS = {
    "fork": 2, "exec": 1, "clone": 1, "pthread": 1, "pipe": 2, "sock": 1, "sockpair": 1,
    "hdd": 1, "dentry": 1, "getdent": 1, "dup": 1, "flock": 1, "lockf": 1, "epoll": 1,
    "eventfd": 1, "futex": 1, "timer": 1, "sigsuspend": 1, "kill": 1, "mmap": 1, "mremap": 1,
    "switch": 1, "affinity": 1, "splice": 1, "io": 1,
}  # fmt: skip


@pytest.fixture(params=["debug", "race"])
def checking(built: Built, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A machine with one of these kernels in the lane `random`, with slow hand-overs."""
    setting = Setting(
        kernel=request.param,
        args=("xsc=permissive", "xsc.workers=random"),
        profile="suites",
        memory="3G",
        steps=(),
    )
    with laboratory(setting, built, request.session) as lab:
        slow_hand_overs(lab)
        yield lab


def test_a_mix_of_stressors(checking: Lab, request: pytest.FixtureRequest) -> None:
    words = [word for name, count in STRESSORS.items() for word in (f"--{name}", str(count))]
    seconds = MINUTES * 60
    before = counter(checking, "worker") + counter(checking, "handed")
    done = checking.run(
        ["stress-ng", "--verify", "--temp-path", "/tmp", "--hdd-bytes", "4m", "--timeout",
         f"{seconds:.0f}s", *words],
        seconds * 10 + 1800,
    )  # fmt: skip
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.code == 0, output[-4000:]
    assert counter(checking, "worker") + counter(checking, "handed") > before
    if request.node.callspec.params["checking"] == "race":
        # Everybody's races are reported there, the kernel's own as well.
        log = checking.run(["dmesg"]).stdout.decode(errors="replace")
        assert not data_races(log), "\n".join(data_races(log))
    else:
        assert checking.kernel_trouble() == []
