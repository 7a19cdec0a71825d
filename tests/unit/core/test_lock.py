# SPDX-License-Identifier: MIT
"""Locks are released by the kernel, and leftovers of a dead owner are found by them."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from xsc.lock import FileLock, end_orphans, held, holders


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_exclusive()
    assert not second.try_exclusive()
    assert not second.try_shared()
    first.close()
    assert second.try_exclusive()
    second.close()


def test_readers_share(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_shared()
    assert second.try_shared()
    assert not second.try_exclusive()
    first.close()
    second.close()


def test_held_notes_its_owner(tmp_path: Path) -> None:
    with held(tmp_path / "lock", lambda owner: None) as lock:
        assert lock.owner() == os.getpid()


def test_a_child_with_the_descriptor_is_a_holder(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with subprocess.Popen(["sleep", "60"], pass_fds=[lock.fd]) as child:
        assert holders(lock.path) == [child.pid]
        child.kill()
    lock.close()


def test_orphans_of_a_dead_owner_are_ended(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    os.pwrite(lock.fd, f"{dead.pid}\n".encode(), 0)
    with subprocess.Popen(["sleep", "60"], pass_fds=[lock.fd]) as child:
        assert end_orphans(lock) == 1
        assert child.wait(5) == -9
    lock.close()


def test_children_of_a_living_owner_are_left_alone(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with subprocess.Popen(["sleep", "60"], pass_fds=[lock.fd]) as child:
        os.pwrite(lock.fd, f"{child.pid}\n".encode(), 0)
        assert end_orphans(lock) == 0
        assert child.poll() is None
        child.kill()
    lock.close()


def test_an_interruption_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waiting thread is not the one that got Ctrl-C, and the other xsc may take an hour."""
    lock = FileLock(tmp_path / "lock")
    with subprocess.Popen(["sleep", "60"], pass_fds=[lock.fd]) as other:
        os.pwrite(lock.fd, f"{other.pid}\n".encode(), 0)
        assert lock.try_exclusive()
        interruption = threading.Event()
        monkeypatch.setattr("xsc.run._stopping", interruption)
        threading.Timer(0.5, interruption.set).start()
        with pytest.raises(KeyboardInterrupt), held(tmp_path / "lock", lambda owner: None):
            pass
        other.kill()
    lock.close()
