"""Whether a claim holds, decided by one rule over paired seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor
from snnx.report.data.claims import Claim
from snnx.report.data.format import decimals
from snnx.report.data.lines import Line, scales

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
RULE = (
    "A claim holds if the 90 % Student-t confidence interval of the mean difference, paired over seeds, lies wholly on "
    "the claimed side, does not hold if it lies wholly on the other side (for < and > a tie is on the other side), and "
    "is undecided otherwise or with fewer than two common seeds; within e, it holds if the interval of every pair lies "
    "inside ±e and does not hold if one lies wholly outside. Scale smoke decides nothing."
)
Measured = Mapping[int, float] | float  # the metric by seed; one number for a row that is cited


@dataclass(frozen=True)
class Evidence:
    """The mean difference of two terms over their common seeds, its interval, and what follows."""

    left: str | float
    right: str | float
    n: int
    mean: float | None  # None without a common seed
    interval: tuple[float, float] | None  # None with fewer than two
    word: str

    def __str__(self) -> str:
        terms = f"{self.left} - {self.right}"
        if self.mean is None:
            return f"{terms}: no common seed"
        low, high = self.interval or (self.mean, self.mean)
        places = max(0, decimals(max(abs(low), abs(high))) - 1)
        interval = f" [{low:+.{places}f}, {high:+.{places}f}]" if self.interval else ""
        return f"{terms} = {self.mean:+.{places}f}{interval} (n={self.n})"


@dataclass(frozen=True)
class Verdict:
    """A claim at one scale, with the evidence for each of its links."""

    claim: Claim
    scale: str
    further: str
    word: str
    evidence: tuple[Evidence, ...]


def verdicts(sweep: SweepFile, claims: Sequence[Claim], lines: Sequence[Line]) -> list[Verdict]:
    """Decide every claim at every scale that has runs; runs with further overrides meet only those with the same.

    Where all of its rows are done and none has the metric, as without any training none has a validation accuracy, a claim
    says nothing and is left out.
    """
    found = []
    for claim in claims:
        cited = {
            row.label: row.reported[claim.metric] / factor(sweep.unit, claim.metric)
            for row in sweep.rows
            if row.cited is not None and claim.metric in row.reported
        }
        live = {row.label for row in sweep.live} & set(claim.rows)
        for scale in scales(lines):
            here = sorted((line for line in lines if line.scale == scale), key=lambda line: line.started)  # the last wins
            settings = sorted({text for line in here for text in line.further})
            common = [text for text in settings if live <= {line.row for line in here if text in line.further}]
            for further in common or settings[:1]:
                those = [line for line in here if further in line.further]
                measured = {line.row: line.values(claim.metric) for line in those}
                done = {line.row for line in those if line.done}
                if any(measured[row] for row in live & set(measured)) or not live <= done:
                    found.append(decide(claim, measured | cited, scale, further))
    return found


def decide(claim: Claim, values: Mapping[str, Measured], scale: str = "paper", further: str = "") -> Verdict:
    """Decide a claim by RULE; a chain holds if every link does, and does not if one does not.

    Args:
        claim: what is claimed.
        values: what was measured, by row.
        scale, further: under which conditions.

    Example:
        >>> from snnx.report.data.claims import parse
        >>> claim = parse("A > B", "val/acc", ["A", "B"], "x.yaml")
        >>> verdict = decide(claim, {"A": {0: 0.84, 1: 0.85, 2: 0.86}, "B": {0: 0.83, 1: 0.83, 2: 0.83}})
        >>> print(verdict.word, *verdict.evidence)
        holds A - B = +0.0200 [+0.0031, +0.0369] (n=3)
    """
    evidence = tuple(_weigh(link, claim.within, values) for link in claim.links)
    words = {link.word for link in evidence} if scale != "smoke" else {OPEN}
    return Verdict(claim, scale, further, FAILS if FAILS in words else OPEN if OPEN in words else HOLDS, evidence)


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The 90 % confidence interval of the mean: mean ± t(0.95, n - 1) s / sqrt(n); a point if all are equal.

    Example:
        >>> [round(end, 4) for end in interval([0.01, 0.02, 0.03])]  # 0.02 ± 2.920 * 0.01 / sqrt(3)
        [0.0031, 0.0369]
    """
    from scipy.stats import t  # a second to load, needed only where there are claims

    n, mean = len(differences), statistics.fmean(differences)
    half = float(t.ppf(0.95, n - 1)) * statistics.stdev(differences) / math.sqrt(n)
    return _exact(mean - half), _exact(mean + half)


def _exact(end: float) -> float:
    """Without the last binary digits: 0.81 - 0.80 is 0.01 and no more, also where that is the margin."""
    return round(end, 12)


def _weigh(link: tuple[str | float, str, str | float], within: float | None, values: Mapping) -> Evidence:
    left, sign, right = link
    sides = [term if isinstance(term, float) else values.get(term, {}) for term in (left, right)]
    measured = [set(side) for side in sides if not isinstance(side, float)]
    seeds = sorted(set.intersection(*measured)) if measured else []
    a, b = ([side if isinstance(side, float) else side[seed] for seed in seeds] for side in sides)
    differences = [one - other for one, other in zip(a, b, strict=True)]
    if len(seeds) < 2:
        return Evidence(left, right, len(seeds), differences[0] if differences else None, None, OPEN)
    ends = interval(differences)
    return Evidence(left, right, len(seeds), statistics.fmean(differences), ends, _judge(sign, *ends, within))


def _judge(sign: str, low: float, high: float, within: float | None) -> str:
    if within is not None:
        return HOLDS if -within <= low and high <= within else FAILS if low > within or high < -within else OPEN
    if sign in ("<", "<="):  # A < B is B > A
        low, high = -high, -low
    if sign in (">", "<"):
        return HOLDS if low > 0 else FAILS if high <= 0 else OPEN
    return HOLDS if low >= 0 else FAILS if high < 0 else OPEN
