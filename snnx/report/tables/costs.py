"""What each row costs for what it achieves, in one table, with the formulas of the numbers below it."""

from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, titled
from snnx.report.data.format import spread
from snnx.report.data.lines import Line
from snnx.report.tables.table import NONE, Table, mean_std

ACCURACY = "test/acc"
SYNOPS = ("test/energy_synops", "test/anytime_synops")
LATENCY = ("test/anytime_since_steps", "test/latency_steps", "test/decided_latency")
ENERGY = ("test/energy_45nm_uj", "test/anytime_energy_uj")
COLUMNS = {  # each: metrics of which the first that a line has is shown
    "spikes a neuron": ("test/spikes_per_neuron",),
    "SynOps": SYNOPS,
    "MACs": ("test/energy_macs",),
    "latency to decision (steps)": LATENCY,
    "leaves after (steps)": ("test/anytime_running_latency_steps",),
    "energy (µJ)": ENERGY,
}
METRICS = {ACCURACY, *(metric for metrics in COLUMNS.values() for metric in metrics)}


def first(line: Line, metrics: Sequence[str]) -> tuple[str, list[float]]:
    """The first of these metrics that a line has, with its values over seeds; an empty name if it has none."""
    found = ((metric, list(line.values(metric).values())) for metric in metrics)
    return next(((metric, values) for metric, values in found if values), ("", []))


def compared(lines: Sequence[Line]) -> list[Line]:
    """The lines with an accuracy and what it took, an energy or a latency."""
    return [line for line in lines if line.values(ACCURACY) and (first(line, ENERGY)[0] or first(line, LATENCY)[0])]


def table(sweep: SweepFile, lines: Sequence[Line]) -> Table | None:
    """A line a row, columns for what there are numbers of, formulas below; None if no accuracy has a price."""
    shown = compared(lines)
    if not shown:
        return None
    times = factor(sweep.unit, ACCURACY)
    columns = {titled(sweep.unit, ACCURACY): [[times * value for value in line.values(ACCURACY).values()] for line in shown]}
    columns |= {title: [first(line, metrics)[1] for line in shown] for title, metrics in COLUMNS.items()}
    columns["training (s)"] = [_facts(line, "fit_s") for line in shown]
    n = [len(line.values(ACCURACY)) for line in shown]
    texts = {title: [_cell(values, n[place]) for place, values in enumerate(cells)] for title, cells in columns.items()}
    counts = [_facts(line, "parameters")[:1] for line in shown]  # seeds have the same
    texts["parameters"] = [f"{count[0]:,}" if count else NONE for count in counts]
    kept = {title: cells for title, cells in texts.items() if set(cells) != {NONE}}
    rows = [
        (line.label, line.scale, str(n[place]), *(cells[place] for cells in kept.values())) for place, line in enumerate(shown)
    ]
    title = "Accuracy and what it costs"
    return Table(title, ("row", "scale", "n", *kept), "llr" + "r" * len(kept), tuple(rows), _formulas(shown))


def _cell(values: list[float], n: int) -> str:
    """Mean and deviation, and over how many runs where that is not the row's n."""
    if not values:
        return NONE
    return spread(*mean_std(values)) + (f" (n={len(values)})" if len(values) != n else "")


def _facts(line: Line, key: str) -> list[float]:
    return [run.result[key] for run in line.done if run.result.get(key)]


def _formulas(lines: Sequence[Line]) -> tuple[str, ...]:
    """How what is in a column was computed, as the runs themselves say it."""
    found = []
    for title, metrics in COLUMNS.items():
        for line in lines:
            metric, _ = first(line, metrics)
            texts = [(run.result.get("formulas") or {}).get(metric) for run in line.done]
            found += [f"{title}, {metric} = {text}" for text in texts if text]
    return tuple(dict.fromkeys(found))
