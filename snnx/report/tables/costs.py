"""One table with the accuracy of each row and its cost, and below it the formulas of these numbers."""

from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.format import mean_std, spread
from snnx.report.data.lines import Line
from snnx.report.tables import break_even
from snnx.report.tables.table import EMPTY, Table

ACCURACY = "test/acc"
SYNOPS = ("test/energy_synops", "test/anytime_synops")
LATENCY = ("test/anytime_since_steps", "test/latency_steps", "test/decided_latency")
ENERGY = ("test/energy_45nm_uj", "test/anytime_energy_uj")
COLUMNS = {  # title of a column to its metrics; a line shows the first of them that it has
    "spikes per neuron": ("test/spikes_per_neuron",),
    "SynOps": SYNOPS,
    "MACs": ("test/energy_macs",),
    "latency to decision (steps)": LATENCY,
    "early exit (steps)": ("test/anytime_running_latency_steps",),
    "energy (µJ)": ENERGY,
    "int8 with memory (µJ)": (break_even.ENERGY,),
}
SHOWN_METRICS = {ACCURACY, *(metric for metrics in COLUMNS.values() for metric in metrics)}


def first_metric(line: Line, metrics: Sequence[str]) -> tuple[str, list[float]]:
    """The first of these metrics that a line has, and its values by seed; an empty name and list if it has none."""
    found = ((metric, list(line.values(metric).values())) for metric in metrics)
    return next(((metric, values) for metric, values in found if values), ("", []))


def with_cost(lines: Sequence[Line]) -> list[Line]:
    """The lines that have an accuracy and a cost, that is an energy or a latency."""
    return [
        line for line in lines if line.values(ACCURACY) and (first_metric(line, ENERGY)[0] or first_metric(line, LATENCY)[0])
    ]


def table(sweep: SweepFile, lines: Sequence[Line]) -> Table | None:
    """Make the table: one row per line, with the columns that have at least one number, and formulas below.

    Returns:
        `None` if no line has both an accuracy and a cost.
    """
    shown = with_cost(lines)
    if not shown:
        return None
    times = factor(sweep.unit, ACCURACY)
    columns = {with_unit(sweep.unit, ACCURACY): [[times * value for value in line.values(ACCURACY).values()] for line in shown]}
    columns |= {title: [first_metric(line, metrics)[1] for line in shown] for title, metrics in COLUMNS.items()}
    columns[break_even.TITLE] = break_even.rates(sweep.break_even, shown)
    columns["training (s)"] = [_facts(line, "fit_s") for line in shown]
    n = [len(line.values(ACCURACY)) for line in shown]
    texts = {title: [_cell(values, n[index]) for index, values in enumerate(cells)] for title, cells in columns.items()}
    counts = [_facts(line, "parameters")[:1] for line in shown]  # the same for all seeds
    texts["parameters"] = [f"{count[0]:,}" if count else EMPTY for count in counts]
    kept = {title: cells for title, cells in texts.items() if set(cells) != {EMPTY}}
    rows = [
        (line.label, line.scale, str(n[index]), *(cells[index] for cells in kept.values())) for index, line in enumerate(shown)
    ]
    below = _formulas(shown) + ((break_even.formula(sweep.break_even),) if break_even.TITLE in kept else ())
    return Table("Accuracy and cost", ("row", "scale", "n", *kept), "llr" + "r" * len(kept), tuple(rows), below)


def _cell(values: list[float], n: int) -> str:
    """Mean and standard deviation, with the number of values if it differs from the row's n."""
    if not values:
        return EMPTY
    return spread(*mean_std(values)) + (f" (n={len(values)})" if len(values) != n else "")


def _facts(line: Line, key: str) -> list[float]:
    return [run.result[key] for run in line.done if run.result.get(key)]


def _formulas(lines: Sequence[Line]) -> tuple[str, ...]:
    """The formulas of the columns, as the runs recorded them."""
    found = []
    for title, metrics in COLUMNS.items():
        for line in lines:
            metric, _ = first_metric(line, metrics)
            texts = [(run.result.get("formulas") or {}).get(metric) for run in line.done]
            found += [f"{title}, {metric} = {text}" for text in texts if text]
    return tuple(dict.fromkeys(found))
