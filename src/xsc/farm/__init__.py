# SPDX-License-Identifier: MIT
"""Jobs on many machines: Buildbot keeps the queue, its workers dial in and run programs."""
