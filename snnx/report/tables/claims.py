"""The table of claims and their verdicts."""

from collections.abc import Sequence

from snnx.report.data.evidence import Evidence
from snnx.report.data.format import decimals
from snnx.report.data.verdict import Verdict
from snnx.report.tables.table import EMPTY, Table, without_empty_columns

COLUMNS = (
    "claim",
    "metric",
    "scale",
    "verdict",
    "compared",
    "L - R [90 %]",
    "seeds, test set",
    "p, adjusted",
    "P(L > R)",
    "n",
    "remark",
)


def claims(verdicts: Sequence[Verdict]) -> Table:
    """Make the table of claims: a row for each comparison, with the claim and its verdict in the first.

    If all claims are decided at the same scale and further overrides, the title names these.
    """
    scales = list(dict.fromkeys(f"{verdict.scale} {verdict.further}".strip() for verdict in verdicts))
    rows = []
    for verdict in verdicts:
        scale = f"{verdict.scale} {verdict.further}".strip() if len(scales) > 1 else EMPTY
        metric = verdict.claim.metric + " per layer" * verdict.claim.per_layer
        first = (verdict.claim.text, metric, scale, verdict.outcome)
        chain = len(verdict.evidence) > 1
        for place, one in enumerate(verdict.evidence):
            compared = one.layer or (f"{one.left}, {one.right}" if chain else EMPTY)
            rows.append((*(first if place == 0 else ("",) * len(first)), compared, *_evidence(one)))
    title = f"Claims, scale {scales[0]}" if len(scales) == 1 else "Claims"
    return without_empty_columns(Table(title, COLUMNS, "lllllrrrrrl", tuple(rows)))


def _evidence(one: Evidence) -> tuple[str, ...]:
    """Write one comparison in the last six of COLUMNS."""
    if one.estimate is None:
        return (EMPTY, EMPTY, EMPTY, EMPTY, str(one.n), one.why)
    digits = max(0, decimals(one.estimate.half_width or abs(one.estimate.mean)) - 1)
    parts = (one.estimate.half_width_of_seeds, one.estimate.half_width_of_samples)
    seeds, samples = (f"±{part:.{digits}f}" if part else EMPTY for part in parts)
    p = EMPTY if one.p is None else f"{one.p:.2g}, {one.adjusted:.2g}"
    higher = EMPTY if one.higher is None else f"{one.higher:.2f}"
    return (one.interval, f"{seeds}, {samples}", p, higher, str(one.n), one.why or EMPTY)
