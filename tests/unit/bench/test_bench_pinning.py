# SPDX-License-Identifier: MIT
"""Which threads are virtual processors, and where they run: with threads of this process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xsc.bench.pinning import pin_vcpus, vcpu_threads
from xsc.vm.errors import QemuFailed


@contextmanager
def named_threads(*names: str) -> Iterator[dict[str, int]]:
    """Run threads that the kernel knows by these names; yield their numbers."""
    done, ready = threading.Event(), threading.Barrier(len(names) + 1)
    numbers = {}

    def body(name: str) -> None:
        number = threading.get_native_id()
        Path(f"/proc/self/task/{number}/comm").write_text(name)
        numbers[name] = number
        ready.wait()
        done.wait()

    threads = [threading.Thread(target=body, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    ready.wait()
    try:
        yield numbers
    finally:
        done.set()
        for thread in threads:
            thread.join()
        # A joined thread has done its work, but the kernel lists it until it has exited.
        while any(Path(f"/proc/self/task/{number}").exists() for number in numbers.values()):
            time.sleep(0.001)


def test_each_virtual_cpu_gets_a_cpu() -> None:
    allowed = sorted(os.sched_getaffinity(0))
    with named_threads("CPU 1/TCG", "worker", "CPU 0/KVM") as numbers:
        assert vcpu_threads(os.getpid()) == [numbers["CPU 0/KVM"], numbers["CPU 1/TCG"]]
        assert pin_vcpus(os.getpid(), 2) is (len(allowed) >= 2)
        where = [os.sched_getaffinity(thread) for thread in vcpu_threads(os.getpid())]
        if len(allowed) >= 2:
            assert where == [{allowed[0]}, {allowed[1]}]
        assert os.sched_getaffinity(numbers["worker"]) == set(allowed)


def test_too_few_cpus_leave_everything_as_it_was() -> None:
    count = len(os.sched_getaffinity(0)) + 1
    with named_threads(*(f"CPU {number}/TCG" for number in range(count))):
        before = [os.sched_getaffinity(thread) for thread in vcpu_threads(os.getpid())]
        assert pin_vcpus(os.getpid(), count) is False
        assert [os.sched_getaffinity(thread) for thread in vcpu_threads(os.getpid())] == before


def test_a_qemu_without_named_threads_is_told() -> None:
    with pytest.raises(QemuFailed, match="0 threads of virtual processors, not 2"):
        pin_vcpus(os.getpid(), 2)


def test_threads_that_end_while_they_are_looked_at_are_passed_over() -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            short = [threading.Thread(target=int) for _ in range(8)]
            for thread in short:
                thread.start()
            for thread in short:
                thread.join()

    with named_threads("CPU 0/TCG") as numbers:
        churning = threading.Thread(target=churn)
        churning.start()
        try:
            for _ in range(500):
                assert vcpu_threads(os.getpid()) == [numbers["CPU 0/TCG"]]
        finally:
            stop.set()
            churning.join()
