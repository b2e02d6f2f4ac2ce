"""Says which differences a sweep will be able to decide, from the spreads of its earlier runs."""

from pathlib import Path

from snnx.options.sweepfile import SweepFile
from snnx.report.data import claim
from snnx.report.data.evidence import Evidence
from snnx.report.data.format import spread
from snnx.report.data.lines import lines
from snnx.report.data.relative import with_relative_energies
from snnx.report.data.runs import collect
from snnx.report.data.verdict import Verdict, verdicts


def power(sweep: SweepFile, seeds: int, scale: str, outputs: Path, docs: Path) -> list[str]:
    """State for each metric of the claims the smallest difference that this number of seeds can decide.

    That is half the width of the 90 % interval, assuming the spreads of the earlier runs between seeds and between test
    samples. On a page with several claims, the difference must be slightly larger.

    Args:
        sweep: the sweep.
        seeds: the smallest number of seeds of a row.
        scale: scale of the planned runs; spreads of another scale are used if this one has none.
        outputs: folder of the runs.
        docs: folder of the record.
    """
    if not sweep.claims:
        return []
    if seeds < 2:
        return ["one seed cannot decide a claim; use three, or five if runs are short"]
    known = lines([row.label for row in sweep.measured], collect(sweep.name, outputs, docs))
    found = verdicts(sweep, claim.read(sweep), with_relative_energies(sweep.reference, known))
    here = [verdict for verdict in found if verdict.scale == scale] or found
    widths: dict[tuple[str, str], list[float]] = {}
    for verdict in here:
        for one in verdict.evidence:
            if (width := _width(one, seeds)) is not None:
                widths.setdefault((verdict.claim.metric, verdict.scale), []).append(width)
    return [_line(metric, seeds, known, some) for (metric, known), some in widths.items()] or [_unknown(sweep, here, seeds)]


def _width(one: Evidence, seeds: int) -> float | None:
    """Return half the width of the interval that this comparison would have; `None` if no spread of it is known."""
    return None if one.estimate is None or one.p is None else one.estimate.with_seeds(seeds).half_width


def _line(metric: str, seeds: int, scale: str, widths: list[float]) -> str:
    least, most = spread(min(widths), None), spread(max(widths), None)
    size = least if least == most else f"{least} to {most}"
    return f"{seeds} seeds can decide a difference in {metric} of at least {size}, estimated from the runs at scale {scale}"


def _unknown(sweep: SweepFile, here: list[Verdict], seeds: int) -> str:
    why = f"no claim of {sweep.name} could be tested yet" if here else f"the rows of {sweep.name} have not run yet"
    return f"it is not known which differences {seeds} seeds can decide: {why}"
