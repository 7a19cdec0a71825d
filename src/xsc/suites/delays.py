# SPDX-License-Identifier: MIT
"""Delays where requests change hands between gate and worker, set from inside the guest."""

from __future__ import annotations

POINTS = ("claim", "complete", "reap")
"""A worker has seen a request, a worker has a result, a signal meets a gate that waits."""
DELAY_US = 200
"""Longest delay, microseconds: each is of random length, and half of them are of none."""

_KNOBS = " ".join(f"delay_{point}_us" for point in POINTS)
# debugfs is seen by nobody else meanwhile: a program under test finds what it would on Debian.
_TURN = f"""\
scratch=$(mktemp -d)
mount -t debugfs none "$scratch"
for knob in {_KNOBS}; do
	[ ! -e "$scratch/xsc/$knob" ] || {{ACTION}}
done
umount "$scratch"
rmdir "$scratch"
"""
SLOW = _TURN.replace("{ACTION}", f'echo {DELAY_US} > "$scratch/xsc/$knob"')
"""Shell script that sets the delays, as far as the kernel has any."""
READ = _TURN.replace("{ACTION}", 'cat "$scratch/xsc/$knob"')
"""Shell script that prints each delay the kernel has, in microseconds, one a line."""
SLOWED = ",".join([str(DELAY_US)] * len(POINTS))
"""What READ prints once the delays are set, with commas for line ends."""
