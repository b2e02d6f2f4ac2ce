"""Computes the highest accuracy that still counts as chance."""

import math
from collections.abc import Mapping


def chance_bound(chance: float, samples: int) -> float:
    """Return the highest test accuracy that still counts as chance, that is, as always naming the largest class.

        c + 3 √(c (1 - c) / N)        c = share of the largest class, N = number of test samples

    Example:
        >>> round(chance_bound(0.5, 100), 3)
        0.65
    """
    return chance + 3 * math.sqrt(chance * (1 - chance) / samples)


def bound_of(data: Mapping | None) -> float | None:
    """Return `chance_bound` of the test set that a result describes under `data`; `None` if these are missing there.

    Example:
        >>> round(bound_of({"chance": 0.5, "test": 100}), 3), bound_of({"chance": 0.5}), bound_of({"chance": 2.0, "test": 100})
        (0.65, None, None)
    """
    chance, samples = (data or {}).get("chance"), (data or {}).get("test")
    known = chance is not None and 0 <= chance <= 1 and samples is not None and samples > 0
    return chance_bound(chance, samples) if known else None
