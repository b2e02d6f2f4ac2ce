"""Decides one comparison of a claim: estimates the difference and its p-value, and gives the outcome."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

import numpy as np

from snnx.report.data.claim import Claim
from snnx.report.data.compare import compare
from snnx.report.data.difference import LEVEL, Difference
from snnx.report.data.format import decimals
from snnx.report.data.side import Measured, Number, is_share

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
FALSE_DISCOVERIES = 1 - LEVEL
"""A comparison is decided only if its p-value, adjusted for all comparisons of the page, is at most this."""
MOST_SEEDS = 3
"""With more seeds, accuracies are compared only sample by sample, because the test set's error does not average out."""
MOST_TRIED = 100
"""The largest number of seeds that is tried in order to say how many would decide a comparison."""
Side = Measured | Number


@dataclass(frozen=True)
class ClaimData:
    """A claim, and the measurements of its rows.

    Args:
        claim: the claim.
        sides: for each layer, the measurements of each row in the claim's metric; if the claim is not decided per layer, there
            is one layer, "".
        at_chance: the rows whose networks classify no better than chance.
        exact: whether training cannot change the metric, for example the number of parameters.
        doubts: the doubts about each row, which do not prevent a decision; see `doubts`.
    """

    claim: Claim
    sides: Mapping[str, Mapping[str, Side]]
    at_chance: Set[str] = frozenset()
    exact: bool = False
    doubts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """One comparison of a claim.

    Args:
        left: the row or number on the left.
        sign: the sign between the two, `>`, `<`, `>=`, `<=` or `~`.
        right: the row or number on the right.
        n: the smaller number of seeds of the two.
        estimate: the difference and its uncertainty; `None` with fewer than two seeds on a side.
        p: the p-value; `None` if the comparison is not tested, for example because it is exact.
        adjusted: the p-value adjusted for the whole page.
        higher: the share of pairs of seeds in which the left is higher.
        outcome: `HOLDS`, `FAILS` or `OPEN`.
        exact: whether training cannot change the metric, so that no test is needed.
        why: the reason why it is undecided, or a remark on the decision.
        layer: the layer that is compared, if the claim is decided per layer.
    """

    left: str | float
    sign: str
    right: str | float
    n: int
    estimate: Difference | None = None
    p: float | None = None
    adjusted: float | None = None
    higher: float | None = None
    outcome: str = OPEN
    exact: bool = False
    why: str = ""
    layer: str = ""

    @property
    def interval(self) -> str:
        """The difference with its 90 % interval, for example `+0.0200 [+0.0031, +0.0369]`."""
        if self.estimate is None:
            return ""
        mean, half = self.estimate.mean, self.estimate.half_width
        digits = max(0, decimals(max(abs(mean - half), abs(mean + half))) - 1)
        return f"{mean:+.{digits}f} [{mean - half:+.{digits}f}, {mean + half:+.{digits}f}]"


def estimated(link: tuple[str | float, str, str | float], asked: ClaimData, layer: str = "") -> Evidence:
    """Estimate one comparison and its p-value; without a p-value, `why` gives the reason."""
    left, sign, right = link
    a, b = (Number(term) if isinstance(term, float) else asked.sides[layer].get(term, Measured(())) for term in (left, right))
    n = min((len(side.values) for side in (a, b) if isinstance(side, Measured)), default=0)
    found = Evidence(left, sign, right, n, layer=layer)
    if asked.exact and n:
        return replace(found, estimate=Difference(a.mean - b.mean, ()), exact=True, why="exact")
    if not n:
        missing = [str(term) for term, side in ((left, a), (right, b)) if isinstance(side, Measured) and not side.values]
        return replace(found, why=f"no value of {' and '.join(missing)}")
    estimate = compare(a, b)
    if estimate is None:
        return replace(found, why="one seed")
    found = replace(found, estimate=estimate, higher=_higher(a, b))
    if without := sorted((asked.at_chance - set(asked.claim.chance)) & {left, right}, key=str):
        return replace(found, why=f"{' and '.join(without)} at chance")
    if is_share(asked.claim.metric) and not estimate.samples and n > MOST_SEEDS:
        return replace(found, why=f"more than {MOST_SEEDS} seeds, and the samples are not known one by one")
    return replace(found, p=_p(estimate, asked.claim.within))


def _higher(a: Side, b: Side) -> float:
    """Return the share of pairs of seeds in which the left is higher; a tie counts half."""
    left, right = (np.array(side.values if isinstance(side, Measured) else [side.value]) for side in (a, b))
    gaps = left[:, None] - right[None, :]
    return float(((gaps > 0) + (gaps == 0) / 2).mean())


def decided(one: Evidence, within: float | None, bound: float) -> Evidence:
    """Decide one comparison, or say what would decide it.

    Args:
        one: the comparison, with its adjusted p-value.
        within: the margin of the claim, if it has one.
        bound: the p-value below which the comparison would be decided.
    """
    if one.estimate is None or (one.p is None and not one.exact):
        return one
    d, sign = one.estimate.mean, one.sign
    if sign in ("<", "<="):  # A < B means B > A
        d, sign = -d, {"<": ">", "<=": ">="}[sign]
    if one.exact:
        holds = d > 0 if sign == ">" else d >= 0 if sign == ">=" else abs(d) <= within
        return replace(one, outcome=HOLDS if holds else FAILS)
    if one.estimate.identical and sign != ">":
        return replace(one, outcome=HOLDS, why="identical")
    if one.estimate.identical:
        return replace(one, why="identical")
    if within is None and one.estimate.few:
        return replace(one, why=f"the rows differ on only {one.estimate.discordant} of {one.estimate.count} samples")
    if one.adjusted > FALSE_DISCOVERIES:
        return replace(one, why=_missing(one, within, bound))
    holds = d > 0 if within is None else one.estimate.p_within(within)[1]
    return replace(one, outcome=HOLDS if holds else FAILS)


def _missing(one: Evidence, within: float | None, bound: float) -> str:
    """Say how many seeds would decide a comparison if the means and spreads stayed the same."""
    needed = seeds_needed(one.estimate, within, bound)
    if not needed and _p(one.estimate.with_seeds(10**6), within) <= bound:
        return f"more than {MOST_TRIED} seeds would decide it"
    if not needed:
        return "more seeds alone would not decide it"
    kept = " with per-sample results" if one.estimate.binomial and needed > MOST_SEEDS else ""
    return f"about {needed} seeds{kept} would decide it"


def seeds_needed(estimate: Difference, within: float | None, bound: float) -> int | None:
    """Return how many seeds on each side would bring the p-value down to `bound`; `None` if `MOST_TRIED` would not.

    Example:
        >>> estimate = Difference(0.02, ((0.0001, 2), (0.0001, 2)), samples=((0.00001, 999),), fewest=3)  # 0.02 ± 0.030
        >>> seeds_needed(estimate, None, 0.1), seeds_needed(Difference(0.001, (), samples=((0.01, 999),)), None, 0.1)
        (6, None)
    """
    for n in range(estimate.fewest + 1, MOST_TRIED + 1):
        if _p(estimate.with_seeds(n), within) <= bound:
            return n
    return None


def _p(estimate: Difference, within: float | None) -> float:
    return estimate.p_differs() if within is None else estimate.p_within(within)[0]
