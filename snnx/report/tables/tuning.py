"""The tables of the searches: the values chosen for each tuned row, the number of trials, and the other good trials."""

from collections.abc import Sequence

from snnx.options.tune import ACCURACY
from snnx.report.data.format import decimals
from snnx.report.data.lines import Line
from snnx.report.tables.table import EMPTY, Table, without_empty_columns

COLUMNS = ("row", "scale", "chosen", "trials", "pruned", "failed", "epochs of a trial", "seeds of a trial", f"best {ACCURACY}")


def searched(line: Line) -> dict:
    """Return the facts about the search that chose the settings of a line's runs; empty if there was none.

    If a search was continued between two runs, that is what the later one says.
    """
    found = [run.result["tuned"] for run in line.done if run.result.get("tuned")]
    return max(found, key=lambda facts: facts["trials"], default={})


def tuning(lines: Sequence[Line]) -> Table | None:
    """Make the table with one row for each tuned line; `None` if there is none."""
    rows = [(line.label, line.scale, *_cells(facts)) for line in lines if (facts := searched(line))]
    return Table("Tuning", COLUMNS, "lllrrrrrr", tuple(rows)) if rows else None


def fronts(lines: Sequence[Line]) -> Table | None:
    """Make the table of the trials that no other trial of their search beats in every objective; `None` if there are none.

    The first objective is maximised and the second minimised.
    """
    entries = [(line, entry) for line in lines for entry in searched(line).get("front", ())]
    objectives = list(dict.fromkeys(key for _, entry in entries for key in entry["objectives"]))
    if not entries:
        return None
    rows = [
        (line.label, line.scale, settings(entry["values"]), *(_number(entry["objectives"].get(key)) for key in objectives))
        for line, entry in entries
    ]
    title = "Fronts of the searches"
    return without_empty_columns(
        Table(title, ("row", "scale", "settings", *objectives), "lll" + "r" * len(objectives), tuple(rows))
    )


def edges(line: Line) -> list[str]:
    """One remark for each chosen value that lies at an edge of what was searched."""
    facts = searched(line)
    return [
        f"{line.label}, {line.scale}: the chosen {settings({key: facts['values'][key]})} lies at the edge of what was "
        f"searched, {space}; a wider range may have a better value"
        for key, space in facts.get("at_edge", {}).items()
        if key in facts["values"]
    ]


def settings(values: dict) -> str:
    """Write the values that a search proposed, numbers with four digits.

    Example:
        >>> settings({"optimizer.lr": 0.0012345678, "neuron": "plif"})
        'optimizer.lr=0.001235, neuron=plif'
    """
    return ", ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items())


def _cells(facts: dict) -> tuple[str, ...]:
    counts = (str(facts[key]) for key in ("trials", "pruned", "failed", "epochs", "seeds"))
    return settings(facts["values"]), *counts, _number(facts[ACCURACY])


def _number(value: float | None) -> str:
    return EMPTY if value is None else f"{value:.{decimals(value)}f}"
