"""Decides the claims of a page together, by one rule that counts the seeds and the test samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor
from snnx.report.data.claim import Claim
from snnx.report.data.doubts import Doubts
from snnx.report.data.evidence import FAILS, FALSE_DISCOVERIES, HOLDS, OPEN, ClaimData, Evidence, Side, decided, estimated
from snnx.report.data.lines import Line, scales
from snnx.report.data.side import Measured, Number, is_share, measured

DECIDED = (
    "A claim is decided by the difference of its rows, whose uncertainty comes from the seeds and from the test samples, "
    "compared sample by sample."
)
RULE = (
    f"{DECIDED} Its p-value is adjusted for all comparisons on this page (Benjamini and Hochberg, 10 %), so a "
    "claim can stay undecided although its interval excludes 0. The interval is the 90 % confidence interval; the column "
    '"seeds, test set" gives half its width if only the seeds, or only the test samples, varied. P(L > R) is the share of '
    "pairs of seeds in which the left row is higher. A chain holds if all its comparisons hold, and does not hold if any of "
    "them does not."
)


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

    Runs with further overrides are compared only with runs that have the same ones. All runs of one scale with the same further
    overrides form one page. A claim is left out if all its rows are done and none has its metric; for example, networks that
    were not trained have no validation accuracy.

    Args:
        sweep: the sweep file; its cited rows are compared by the number that was reported for them.
        claims: the claims of the sweep file, see `read`.
        lines: the lines of the table, see `lines`.
    """
    pages: dict[tuple[str, str], list[ClaimData]] = {}
    doubts = Doubts(sweep)
    for claim in claims:
        cited = _cited(sweep, claim.metric)
        live = {row.label for row in sweep.measured} & set(claim.rows)
        for scale in scales(lines):
            here = [line for line in lines if line.scale == scale]
            here.sort(key=lambda line: (doubts.is_present(line), *line.preference))
            settings = sorted({text for line in here for text in line.further})
            common = [text for text in settings if live <= {line.row for line in here if text in line.further}]
            for further in common or settings[:1]:
                compared = {line.row: line for line in here if further in line.further and line.row in live}  # the last one
                done = {row for row, line in compared.items() if line.done}
                sides = _sides(claim, compared, cited)
                if not live <= done or any(line.values(claim.metric) for line in compared.values()):
                    at_chance = {row for row, line in compared.items() if line.at_chance}
                    exact = bool(done) and all(claim.metric in line.exact for line in compared.values() if line.done)
                    against = doubts.against({row: compared[row] for row in claim.rows if row in compared})
                    pages.setdefault((scale, further), []).append(ClaimData(claim, sides, at_chance, exact, against))
    found = {}
    for (scale, further), page in pages.items():
        for verdict in decide(page, scale, further):
            found[claims.index(verdict.claim), scale != "paper", scale, further] = verdict
    return [found[key] for key in sorted(found)]


def decide(page: Sequence[ClaimData], scale: str = "paper", further: str = "") -> list[Verdict]:
    """Decide the claims of one page by RULE.

    Args:
        page: the claims, and the measurements of their rows.
        scale: scale of the runs; at scale `smoke` no claim is decided.
        further: further overrides of the runs, for the record.

    Example:
        >>> from snnx.report.data.claim import parse
        >>> from snnx.report.data.side import Measured
        >>> claim = parse("A > B", "val/loss", ["A", "B"], "x.yaml")
        >>> sides = {"A": Measured((0.84, 0.85, 0.86)), "B": Measured((0.83, 0.83, 0.83))}
        >>> (verdict,) = decide([ClaimData(claim, {"": sides})])
        >>> verdict.outcome, verdict.evidence[0].interval, round(verdict.evidence[0].p, 3)
        ('holds', '+0.0200 [+0.0031, +0.0369]', 0.074)
    """
    evidence = [[estimated(link, data, layer) for layer in data.sides for link in data.claim.links] for data in page]
    p = [one.p for links in evidence for one in links if one.p is not None]
    corrected = adjusted(p)
    found = sum(value <= FALSE_DISCOVERIES for value in corrected)
    bound = FALSE_DISCOVERIES * (found + 1) / max(len(p), 1)  # the p-value that one more comparison would need
    remaining = iter(corrected)
    verdicts = []
    for data, links in zip(page, evidence, strict=True):
        links = [one if one.p is None else replace(one, adjusted=next(remaining)) for one in links]
        judged = tuple(_doubted(decided(one, data.claim.within, bound), data.doubts) for one in links)
        outcomes = {one.outcome for one in judged} if judged and scale != "smoke" else {OPEN}
        outcome = FAILS if FAILS in outcomes else OPEN if OPEN in outcomes else HOLDS
        verdicts.append(Verdict(data.claim, scale, further, outcome, judged))
    return verdicts


def _doubted(one: Evidence, doubts: Mapping[str, str]) -> Evidence:
    """Add the doubts about its rows to a comparison."""
    against = (f"{row} {doubts[row]}" for row in (one.left, one.right) if row in doubts)
    return replace(one, why="; ".join(text for text in (one.why, *against) if text))


def _sides(claim: Claim, compared: Mapping[str, Line], cited: Mapping[str, Number]) -> dict[str, dict[str, Side]]:
    """Return the measurements of each row, in each layer if the claim is decided per layer."""
    if not claim.per_layer:
        return {"": {row: measured(line, claim.metric) for row, line in compared.items()} | cited}
    found = {row: line.layers(claim.metric) for row, line in compared.items()}
    layers = found.get(claim.rows[0], {})  # a layer that another row does not have stays undecided
    return {
        layer: {row: Measured(tuple(values[layer].values())) for row, values in found.items() if layer in values}
        for layer in layers
    }


def adjusted(p: Sequence[float]) -> list[float]:
    """Adjust the p-values of one page by Benjamini and Hochberg.

    If all claims with an adjusted value of at most q are decided, at most a share q of these decisions is expected to be wrong.

    Example:
        >>> [round(value, 4) for value in adjusted([0.01, 0.04, 0.03])]  # of three: 0.01 * 3 / 1, 0.03 * 3 / 2, 0.04 * 3 / 3
        [0.03, 0.04, 0.04]
    """
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(list(p))] if p else []


def _cited(sweep: SweepFile, metric: str) -> dict[str, Number]:
    """Return the numbers of the sweep's cited rows in a metric, in the metric's own unit."""
    times = factor(sweep.unit, metric)
    return {
        row.label: Number(
            row.reported[metric] / times, (row.std or 0.0) / times, row.n or 1, row.test_samples if is_share(metric) else None
        )
        for row in sweep.rows
        if row.cited is not None and metric in row.reported
    }
