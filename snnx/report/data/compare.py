"""Estimates the difference of two rows in one metric: sample by sample if the runs recorded that, otherwise from the seeds."""

import numpy as np

from snnx.report.data.difference import Difference
from snnx.report.data.side import Measured, Number


def compare(left: Measured | Number, right: Measured | Number) -> Difference | None:
    """Estimate the difference of two sides; `None` if a side has fewer than two seeds.

    If the correctness of each sample is known and both rows have the same samples, `a_i` and `b_i` are the means over seeds of
    sample i's correctness, and `v_Li` and `v_Ri` the variances over seeds:

        d = mean_i(a_i - b_i),  W_L = s_L² / n_L,  W_R = s_R² / n_R
        I = var_i(a_i - b_i) / N,  O = mean_i(v_Li / n_L + v_Ri / n_R) / N

    With clusters of samples, I and O are computed from the sums over clusters. If the rows have different samples, or one side
    is a number, I is a sum with one part for each row that has samples. Without the correctness of samples, only W is known.

    Example:
        >>> left = Measured((0.75, 1.0), np.array([[1, 1, 1, 0], [1, 1, 1, 1]]))
        >>> right = Measured((0.5, 0.5), np.array([[1, 0, 0, 1], [1, 1, 0, 0]]))
        >>> found = compare(left, right)  # a - b = 0, 1/2, 1, 0: mean 3/8, variance 11/48
        >>> round(found.mean, 4), round(found.samples[0][0], 4), found.discordant
        (0.375, 0.0573, 2)
    """
    sides = [side for side in (left, right) if isinstance(side, Measured)]
    fewest = min(len(side.values) for side in sides)
    if fewest < 2:
        return None
    mean = left.mean - right.mean
    seeds = tuple((float(np.var(side.values, ddof=1)) / len(side.values), len(side.values) - 1) for side in sides)
    cited = sum(side.variance for side in (left, right) if isinstance(side, Number))
    if any(side.correct is None for side in sides):
        floor = sum(_binomial(side) for side in sides)
        return Difference(mean, seeds, cited=cited, binomial=floor, fewest=fewest)
    if len({(side.split, side.correct.shape[1]) for side in sides}) < len(sides):
        gap = sides[0].correct.mean(0) - sides[1].correct.mean(0)
        samples = (_between_samples(gap, sides[0].clusters),)
        discordant = int(np.count_nonzero(gap))
        count = len(gap)
    else:
        samples = tuple(_between_samples(side.correct.mean(0), side.clusters) for side in sides)
        discordant, count = None, 0
    overlap = sum(_counted_twice(side) for side in sides)
    return Difference(
        mean, seeds, samples=samples, overlap=overlap, cited=cited, fewest=fewest, discordant=discordant, count=count
    )


def _between_samples(quantity: np.ndarray, clusters: np.ndarray | None) -> tuple[float, int]:
    """Return the variance of a mean over samples, from the spread of the sums of its clusters, and its degrees of freedom."""
    sums = _sums(quantity - quantity.mean(), clusters)
    count = len(sums)
    return float((sums**2).sum()) * count / max(count - 1, 1) / len(quantity) ** 2, max(count - 1, 1)


def _counted_twice(side: Measured) -> float:
    """Return the part of the variance between samples that comes from the seeds of one row: `mean_i(v_i / n) / N`."""
    sums = np.stack([_sums(seed, side.clusters) for seed in side.correct.astype(np.float64)])
    return float(sums.var(0, ddof=1).sum()) / len(sums) / side.correct.shape[1] ** 2


def _sums(quantity: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    return quantity if clusters is None else np.bincount(clusters, weights=quantity)


def _binomial(side: Measured) -> float:
    """Return the smallest variance of a share of samples, `p (1 - p) / (n N)`; 0 for a metric that is not such a share."""
    p = abs(side.mean)  # a difference of two shares can be negative
    return p * (1 - p) / (len(side.values) * side.samples) if side.samples else 0.0
