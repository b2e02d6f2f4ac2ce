"""Counts the cores that this machine has for the runs of a sweep."""

import os


def cores() -> int:
    """Return how many cores the sweep may use: OMP_NUM_THREADS if it is set, else the cores available to this process."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdigit() and int(threads) else len(os.sched_getaffinity(0))
