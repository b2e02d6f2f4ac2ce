"""The difference of two rows in one metric, with its uncertainty from the seeds and from the test samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

LEVEL = 0.90
FEWEST_DISCORDANT = 6
"""Two rows that differ on fewer samples than this are never told apart, whatever their seeds say."""


@dataclass(frozen=True)
class Measured:
    """A metric of one row, for each seed.

    Args:
        values: the metric for each of the `n` seeds.
        correct: whether each test sample was classified correctly, `[n, N]` of 0 and 1, if `values` are its means over samples.
        split: identifies the test samples; rows are compared sample by sample only if they have the same.
        clusters: for each sample the number of the group that it belongs to, `[N]`, for example the writer of a digit;
            `None` if samples are independent.
        samples: size of the test set, for a row that has no `correct`.
    """

    values: tuple[float, ...]
    correct: np.ndarray | None = None
    split: str = ""
    clusters: np.ndarray | None = None
    samples: int | None = None

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return float(np.mean(self.values))


@dataclass(frozen=True)
class Number:
    """A number from a paper or a claim.

    Args:
        value: the number.
        std: its standard deviation over seeds, if the paper gives one.
        n: its number of seeds.
        test_samples: size of the test set of a cited accuracy, from which its binomial variance follows.
    """

    value: float
    std: float = 0.0
    n: int = 1
    test_samples: int | None = None

    @property
    def mean(self) -> float:
        """The number."""
        return self.value

    @property
    def variance(self) -> float:
        """`std² / n`, plus `p (1 - p) / test_samples` for an accuracy `p`."""
        drawn = self.value * (1 - self.value) / self.test_samples if self.test_samples else 0.0
        return self.std**2 / self.n + drawn


@dataclass(frozen=True)
class Difference:
    """An estimate `mean` of the difference of two rows, with its variance in parts.

        SE² = cited + max(seeds + samples - overlap, samples)
        ν   = SE⁴ / Σ (part² / dof),  at least fewest - 1
        P(T > x / SE) for a distance x, or P(Z > x / √binomial) if that is larger

    Args:
        mean: the difference.
        seeds: for each side its variance between seeds `s² / n`, and the degrees of freedom of that.
        samples: the variance between test samples, and the degrees of freedom of that.
        overlap: what `seeds` and `samples` both count.
        cited: the variance of a number on one side, as it was published.
        binomial: the least variance that an accuracy has, `Σ p (1 - p) / (n N)`, if the samples are not known one by one.
        fewest: the least number of seeds of a side.
        discordant: on how many samples the sides differ; `None` if that is not known.
    """

    mean: float
    seeds: tuple[tuple[float, int], ...]
    samples: tuple[tuple[float, int], ...] = ()
    overlap: float = 0.0
    cited: float = 0.0
    binomial: float = 0.0
    fewest: int = 2
    discordant: int | None = None

    @cached_property
    def se(self) -> float:
        """The standard error."""
        seeds, samples = (sum(variance for variance, _ in part) for part in (self.seeds, self.samples))
        return float(np.sqrt(self.cited + max(seeds + samples - self.overlap, samples)))

    @cached_property
    def dof(self) -> float:
        """The degrees of freedom, by Welch and Satterthwaite."""
        spread = sum(variance**2 / dof for variance, dof in (*self.seeds, *self.samples) if dof)
        return max(self.se**4 / spread, self.fewest - 1) if spread else float(self.fewest - 1)

    @property
    def half_width(self) -> float:
        """Half the width of the 90 % confidence interval."""
        from scipy.stats import norm, t  # imported here because it takes a second, and only claims need it

        tail = (1 + LEVEL) / 2
        return max(float(t.ppf(tail, self.dof)) * self.se, float(norm.ppf(tail)) * self.binomial**0.5)

    def p_differs(self) -> float:
        """The probability of a difference at least as large if there were none: `2 P(T_ν > |d| / SE)`."""
        return 2 * self._tail(abs(self.mean))

    def p_within(self, margin: float) -> tuple[float, bool]:
        """Test whether the true difference lies within ±margin.

            inside   2 max(P(T > (e - d) / SE), P(T > (e + d) / SE))
            outside  2 P(T > (|d| - e) / SE)

        Returns:
            the smaller of the two, and whether that is the first.
        """
        inside = 2 * max(self._tail(margin - self.mean), self._tail(margin + self.mean))
        outside = 2 * self._tail(abs(self.mean) - margin)
        return min(inside, outside, 1.0), inside <= outside

    def _tail(self, distance: float) -> float:
        """Return `P(T_ν > distance / SE)`; without any variance, 0 for a positive distance and else 1."""
        from scipy.stats import norm, t

        by_seeds = float(t.sf(distance / self.se, self.dof)) if self.se else float(distance <= 0)
        return max(by_seeds, float(norm.sf(distance / self.binomial**0.5))) if self.binomial else by_seeds


def difference(left: Measured | Number, right: Measured | Number) -> Difference | None:
    """Estimate the difference of two sides by the best that is known of them; `None` if a side has fewer than two seeds.

    With the correctness of each sample, between two rows on the same samples, where `a_i` and `b_i` are the means over seeds
    of sample i's correctness, and `v_Li` and `v_Ri` their variances over seeds:

        d = mean_i(a_i - b_i),  W_L = s_L² / n_L,  W_R = s_R² / n_R
        I = var_i(a_i - b_i) / N,  O = mean_i(v_Li / n_L + v_Ri / n_R) / N

    With clusters of samples, I and O come from the sums over clusters. On different samples, and beside a number, I has a
    part from each row that has samples. Without the correctness of samples, only W is known.

    Example:
        >>> left = Measured((0.75, 1.0), np.array([[1, 1, 1, 0], [1, 1, 1, 1]]))
        >>> right = Measured((0.5, 0.5), np.array([[1, 0, 0, 1], [1, 1, 0, 0]]))
        >>> found = difference(left, right)  # a - b = 0, 1/2, 1, 0: mean 3/8, variance 11/48
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
        floor = sum(side.mean * (1 - side.mean) / (len(side.values) * side.samples) for side in sides if side.samples)
        return Difference(mean, seeds, cited=cited, binomial=floor, fewest=fewest)
    if len(sides) == 2 and sides[0].split == sides[1].split:
        gap = sides[0].correct.mean(0) - sides[1].correct.mean(0)
        samples = (_between_samples(gap, sides[0].clusters),)
        discordant = int(np.count_nonzero(gap))
    else:
        samples = tuple(_between_samples(side.correct.mean(0), side.clusters) for side in sides)
        discordant = None
    overlap = sum(_counted_twice(side) for side in sides)
    return Difference(mean, seeds, samples=samples, overlap=overlap, cited=cited, fewest=fewest, discordant=discordant)


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


def adjusted(p: Sequence[float]) -> list[float]:
    """Adjust the p-values of one page by Benjamini and Hochberg.

    If all claims with an adjusted value of at most q are decided, at most a share q of these decisions is expected to be wrong.

    Example:
        >>> [round(value, 4) for value in adjusted([0.01, 0.04, 0.03])]  # of three: 0.01 * 3 / 1, 0.03 * 3 / 2, 0.04 * 3 / 3
        [0.03, 0.04, 0.04]
    """
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(list(p))] if p else []
