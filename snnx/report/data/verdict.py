"""Decide whether a claim holds, by one rule over paired seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor
from snnx.report.data.claims import Claim
from snnx.report.data.format import decimals
from snnx.report.data.lines import Line, scales

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
RULE = (
    "Claims are decided by the 90 % Student-t confidence interval of the mean difference, paired over seeds. A > B holds if "
    "the whole interval is above 0, does not hold if none of it is, and is undecided otherwise. A >= B holds if the whole "
    "interval is at or above 0, and does not hold if all of it is below 0. A ~ B within e holds if the interval lies inside "
    "±e, and does not hold if it lies completely outside. A chain holds if each of its comparisons holds, and does not hold "
    "if one of them does not. With fewer than two common seeds, and at scale smoke, a claim is undecided."
)
Measured = Mapping[int, float] | float  # the metric for each seed; a single number for a row cited from another author


@dataclass(frozen=True)
class Evidence:
    """One comparison of a claim: the mean difference of two terms over their common seeds, and the outcome.

    Example:
        >>> print(Evidence("A", "B", 3, 0.02, (0.0031, 0.0369), HOLDS))
        A - B = +0.0200 [+0.0031, +0.0369] (n=3)
    """

    left: str | float
    right: str | float
    n: int  # number of common seeds
    mean: float | None  # None without a common seed
    interval: tuple[float, float] | None  # None with fewer than two common seeds
    outcome: str
    layer: str = ""  # of a claim per layer

    def __str__(self) -> str:
        terms = f"{self.layer}: {self.left} - {self.right}" if self.layer else f"{self.left} - {self.right}"
        if self.mean is None:
            return f"{terms}: no common seed"
        low, high = self.interval or (self.mean, self.mean)
        digits = max(0, decimals(max(abs(low), abs(high))) - 1)
        interval = f" [{low:+.{digits}f}, {high:+.{digits}f}]" if self.interval else ""
        return f"{terms} = {self.mean:+.{digits}f}{interval} (n={self.n})"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a claim at one scale, with the evidence for each of its comparisons."""

    claim: Claim
    scale: str
    further: str
    outcome: str
    evidence: tuple[Evidence, ...]


def verdicts(sweep: SweepFile, claims: Sequence[Claim], lines: Sequence[Line]) -> list[Verdict]:
    """Decide every claim at every scale that has runs.

    Runs with further overrides are compared only with runs that have the same ones. A claim is left out if all its rows are
    done and none has its metric; for example, networks that were not trained have no validation accuracy.

    Args:
        sweep: its cited rows take part with the number that was reported for them.
        claims: the claims of the sweep file, see `read`.
        lines: the lines of the table, see `lines`.
    """
    found = []
    for claim in claims:
        cited = {
            row.label: row.reported[claim.metric] / factor(sweep.unit, claim.metric)
            for row in sweep.rows
            if row.cited is not None and claim.metric in row.reported and not claim.per_layer
        }
        live = {row.label for row in sweep.live} & set(claim.rows)
        for scale in scales(lines):
            here = sorted((line for line in lines if line.scale == scale), key=lambda line: line.started)
            settings = sorted({text for line in here for text in line.further})
            common = [text for text in settings if live <= {line.row for line in here if text in line.further}]
            for further in common or settings[:1]:
                compared = [line for line in here if further in line.further]
                done = {line.row for line in compared if line.done}
                values = Line.layers if claim.per_layer else Line.values
                measured = {line.row: values(line, claim.metric) for line in compared}  # of two configurations the later one
                if any(measured[row] for row in live & set(measured)) or not live <= done:
                    judge = decide_per_layer if claim.per_layer else decide
                    found.append(judge(claim, measured | cited, scale, further))
    return found


def decide(claim: Claim, values: Mapping[str, Measured], scale: str = "paper", further: str = "") -> Verdict:
    """Decide a claim by RULE.

    Args:
        claim: the claim.
        values: the metric's values for each row that the claim names.
        scale: scale of the runs; at scale `smoke` no claim is decided.
        further: further overrides of the runs, for the record.

    Example:
        >>> from snnx.report.data.claims import parse
        >>> claim = parse("A > B", "val/acc", ["A", "B"], "x.yaml")
        >>> verdict = decide(claim, {"A": {0: 0.84, 1: 0.85, 2: 0.86}, "B": {0: 0.83, 1: 0.83, 2: 0.83}})
        >>> print(verdict.outcome, *verdict.evidence)
        holds A - B = +0.0200 [+0.0031, +0.0369] (n=3)
    """
    evidence = tuple(_compare(link, claim.within, values) for link in claim.links)
    return Verdict(claim, scale, further, _together(evidence, scale), evidence)


def decide_per_layer(
    claim: Claim, layers: Mapping[str, Mapping[str, Mapping[int, float]]], scale: str = "paper", further: str = ""
) -> Verdict:
    """Decide a claim in each layer; it holds if it holds in all of them, and does not hold if it does not in one.

    Args:
        claim: the claim.
        layers: for each row, the metric's values for each layer; the layers of the first row of the claim are compared, and a
            layer that another row does not have is undecided.
        scale, further: see `decide`.

    Example:
        >>> from snnx.report.data.claims import parse
        >>> claim = parse("A > B", "test/inactive_percent", ["A", "B"], "x.yaml")
        >>> a = {"sn1": {0: 60.0, 1: 61.0}, "sn2": {0: 30.0, 1: 30.0}}
        >>> b = {"sn1": {0: 50.0, 1: 51.0}, "sn2": {0: 40.0, 1: 40.0}}
        >>> verdict = decide_per_layer(claim, {"A": a, "B": b})
        >>> verdict.outcome, [(link.layer, link.outcome) for link in verdict.evidence]
        ('does not hold', [('sn1', 'holds'), ('sn2', 'does not hold')])
    """
    evidence = tuple(
        replace(link, layer=layer)
        for layer in layers.get(claim.rows[0], {})
        for link in decide(claim, {row: layers.get(row, {}).get(layer, {}) for row in claim.rows}).evidence
    )
    return Verdict(claim, scale, further, _together(evidence, scale), evidence)


def _together(evidence: Sequence[Evidence], scale: str) -> str:
    outcomes = {link.outcome for link in evidence} if evidence and scale != "smoke" else {OPEN}
    return FAILS if FAILS in outcomes else OPEN if OPEN in outcomes else HOLDS


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The 90 % confidence interval of the mean: mean ± t(0.95, n - 1) s / sqrt(n), with s the sample standard deviation.

    Args:
        differences: at least two; if all are equal, the interval is a point.

    Example:
        >>> [round(end, 4) for end in interval([0.01, 0.02, 0.03])]  # 0.02 ± 2.920 * 0.01 / sqrt(3)
        [0.0031, 0.0369]
    """
    from scipy.stats import t  # imported here because it takes a second, and only claims need it

    n, mean = len(differences), statistics.fmean(differences)
    half = float(t.ppf(0.95, n - 1)) * statistics.stdev(differences) / math.sqrt(n)
    return _without_rounding_error(mean - half), _without_rounding_error(mean + half)


def _without_rounding_error(end: float) -> float:
    """Round away binary rounding errors: 0.81 - 0.80 is slightly more than 0.01 in floating point, but within 0.01."""
    return round(end, 12)


def _compare(link: tuple[str | float, str, str | float], within: float | None, values: Mapping) -> Evidence:
    left, sign, right = link
    sides = [term if isinstance(term, float) else values.get(term, {}) for term in (left, right)]
    measured = [set(side) for side in sides if not isinstance(side, float)]
    seeds = sorted(set.intersection(*measured)) if measured else []
    a, b = ([side if isinstance(side, float) else side[seed] for seed in seeds] for side in sides)
    differences = [value - other for value, other in zip(a, b, strict=True)]
    if len(seeds) < 2:
        return Evidence(left, right, len(seeds), differences[0] if differences else None, None, OPEN)
    ends = interval(differences)
    return Evidence(left, right, len(seeds), statistics.fmean(differences), ends, _outcome(sign, *ends, within))


def _outcome(sign: str, low: float, high: float, within: float | None) -> str:
    if within is not None:
        return HOLDS if -within <= low and high <= within else FAILS if low > within or high < -within else OPEN
    if sign in ("<", "<="):  # A < B means B > A
        low, high = -high, -low
    if sign in (">", "<"):
        return HOLDS if low > 0 else FAILS if high <= 0 else OPEN
    return HOLDS if low >= 0 else FAILS if high < 0 else OPEN
