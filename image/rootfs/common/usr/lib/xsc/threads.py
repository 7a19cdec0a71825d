# SPDX-License-Identifier: MIT
"""Part of xsc-demo: start threads that all make system calls and count their windows."""

import os
import threading

COUNT = 4


def main() -> None:
    """Print how many windows the process has while COUNT threads are running."""
    ready = threading.Barrier(COUNT + 1)
    done = threading.Event()

    def work() -> None:
        os.getppid()
        ready.wait()
        done.wait()

    threads = [threading.Thread(target=work) for _ in range(COUNT)]
    for thread in threads:
        thread.start()
    ready.wait()
    with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
        windows = sum(1 for line in maps if line.rstrip().endswith("[xsc]"))
    done.set()
    for thread in threads:
        thread.join()
    print(f"{COUNT} threads and the first one: {windows} windows")


if __name__ == "__main__":
    main()
