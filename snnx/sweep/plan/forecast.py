"""How long a sweep will take, from what each of its networks costs."""

import heapq
from collections.abc import Iterable


def span(runs_s: Iterable[float], n_jobs: int) -> float:
    """Seconds until runs of these lengths are over, begun in this order, at most `n_jobs` at once.

    Example:
        >>> span([10.0, 10.0, 10.0], n_jobs=2)
        20.0
    """
    free = [0.0] * n_jobs
    for run_s in runs_s:
        heapq.heapreplace(free, free[0] + run_s)
    return max(free)
