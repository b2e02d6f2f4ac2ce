"""Computes the highest accuracy that still counts as chance."""

import math


def chance_bound(chance: float, samples: int) -> float:
    """Return the highest test accuracy that still counts as chance, that is, as always naming the largest class.

        c + 3 √(c (1 - c) / N)        c = share of the largest class, N = number of test samples

    Example:
        >>> round(chance_bound(0.5, 100), 3)
        0.65
    """
    return chance + 3 * math.sqrt(chance * (1 - chance) / samples)
