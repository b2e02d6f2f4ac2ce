"""How long a sweep will take, from what each of its networks costs."""

import heapq
from collections.abc import Iterable


def span(runs_s: Iterable[float], n_jobs: int, start_s: float = 0.0) -> float:
    """Seconds until runs of these lengths are over, begun in this order, at most `n_jobs` at once.

    Example:
        >>> span([10.0, 10.0, 10.0], n_jobs=2)
        20.0
    """
    free = [0.0] * n_jobs
    for run_s in runs_s:
        heapq.heapreplace(free, free[0] + run_s)
    return start_s + max(free)


def spoken(seconds: float) -> str:
    """A duration as one reads it.

    Example:
        >>> spoken(4.2), spoken(42), spoken(600), spoken(9000), spoken(400_000)
        ('4.2 s', '42 s', '10 min', '2 h 30 min', '4 d 15 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
