"""Tests the difference of two rows in one metric, with the variance from the seeds and from the test samples."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

LEVEL = 0.90
FEWEST_DISCORDANT = 6
"""If two rows differ on fewer samples than this, no difference between them is decided."""


@dataclass(frozen=True)
class Difference:
    """An estimate `mean` of the difference of two rows, with its variance in parts.

        SE² = cited + max(seeds + samples - overlap, samples)
        ν   = SE⁴ / Σ (part² / dof),  at least fewest - 1
        P(T > x / SE) for a distance x, or P(Z > x / √binomial) if that is larger

    Args:
        mean: the difference.
        seeds: the variance between the seeds of each side, `s² / n`, and its degrees of freedom.
        samples: the variance between test samples, and its degrees of freedom.
        overlap: the variance that `seeds` and `samples` both contain.
        cited: the variance of a number on one side, as it was published.
        binomial: the smallest variance that an accuracy can have, `Σ p (1 - p) / (n N)`, if the samples were not recorded.
        fewest: the smaller number of seeds of the two sides.
        discordant: the number of samples on which the sides differ; `None` if unknown.
        count: the number of samples that were compared for `discordant`.
    """

    mean: float
    seeds: tuple[tuple[float, int], ...]
    samples: tuple[tuple[float, int], ...] = ()
    overlap: float = 0.0
    cited: float = 0.0
    binomial: float = 0.0
    fewest: int = 2
    discordant: int | None = None
    count: int = 0

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
        from scipy.stats import norm  # imported here because it takes a second, and only claims need it

        return max(self._quantile() * self.se, float(norm.ppf((1 + LEVEL) / 2)) * self.binomial**0.5)

    @property
    def half_width_of_seeds(self) -> float:
        """Half the width if only the seeds varied, `t √(W_L + W_R)`."""
        return self._quantile() * sum(variance for variance, _ in self.seeds) ** 0.5

    @property
    def half_width_of_samples(self) -> float:
        """Half the width if only the test samples varied: `t √I`, or `1.645 √binomial` if the samples were not recorded."""
        from scipy.stats import norm

        drawn = self._quantile() * sum(variance for variance, _ in self.samples) ** 0.5
        return max(drawn, float(norm.ppf((1 + LEVEL) / 2)) * self.binomial**0.5)

    @property
    def identical(self) -> bool:
        """Whether both sides are equal on every sample, or in every value if the samples are not known."""
        return self.discordant == 0 if self.discordant is not None else self.mean == self.se == self.binomial == 0

    def with_seeds(self, n: int) -> "Difference":
        """Estimate the same difference with `n` seeds on each side: more seeds reduce only the part that differs between seeds.

        W' = W m / n,  O' = O m / n,  I' = max(I - O, 0) + O m / n        m = the present number of seeds
        """
        share = self.fewest / n
        twice = self.overlap / max(len(self.samples), 1)
        return replace(
            self,
            seeds=tuple((variance * share, n - 1) for variance, _ in self.seeds),
            samples=tuple((max(variance - twice, 0.0) + twice * share, dof) for variance, dof in self.samples),
            overlap=self.overlap * share,
            binomial=self.binomial * share,
            fewest=n,
        )

    def p_differs(self) -> float:
        """The probability of a difference at least as large if there were none: `2 P(T_ν > |d| / SE)`."""
        return min(2 * self._tail(abs(self.mean)), 1.0)

    def p_within(self, margin: float) -> tuple[float, bool]:
        """Test whether the true difference lies within ±margin.

            inside   2 max(P(T > (e - d) / SE), P(T > (e + d) / SE))
            outside  2 P(T > (|d| - e) / SE)

        If the sides differ on fewer than six of N samples, SE is too uncertain for this test. But |d| is at most the share of
        samples on which they differ. So `inside` is then the probability that so few samples differ if that share were e:

            inside   2 P(Binomial(N, e) <= discordant)

        Returns:
            the smaller p-value, and whether it is the one of `inside`.
        """
        from scipy.stats import binom

        inside = 2 * max(self._tail(margin - self.mean), self._tail(margin + self.mean))
        outside = 2 * self._tail(abs(self.mean) - margin)
        if self.few:
            inside, outside = 2 * float(binom.cdf(self.discordant, self.count, min(margin, 1.0))), 1.0
        return min(inside, outside, 1.0), inside <= outside

    @property
    def few(self) -> bool:
        """Whether the sides differ on too few samples to be told apart."""
        return self.discordant is not None and self.discordant < FEWEST_DISCORDANT

    def _quantile(self) -> float:
        """Return `t(0.95, ν)`."""
        from scipy.stats import t

        return float(t.ppf((1 + LEVEL) / 2, self.dof))

    def _tail(self, distance: float) -> float:
        """Return `P(T_ν > distance / SE)`; without any variance, 0 for a positive distance and else 1."""
        from scipy.stats import norm, t

        by_seeds = float(t.sf(distance / self.se, self.dof)) if self.se else float(distance <= 0)
        return max(by_seeds, float(norm.sf(distance / self.binomial**0.5))) if self.binomial else by_seeds
