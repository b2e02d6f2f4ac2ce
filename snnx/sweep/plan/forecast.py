"""Estimates how long a sweep will take from the cost of each run."""

import heapq
from collections.abc import Iterable


def span(runs_s: Iterable[float], n_jobs: int) -> float:
    """Return the seconds until all runs are over, if they start in this order and at most `n_jobs` run at once.

    Example:
        >>> span([10.0, 10.0, 10.0], n_jobs=2)
        20.0
    """
    free = [0.0] * n_jobs
    for run_s in runs_s:
        heapq.heapreplace(free, free[0] + run_s)
    return max(free)
