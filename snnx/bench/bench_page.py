"""The committed record of the benchmarks: a page, the numbers behind it, and two pictures."""

import json
from pathlib import Path

from snnx.record.write import write
from snnx.report.figures.axes import Plot
from snnx.report.tables.table import Table, markdown


def record(folder: Path, results: dict, tables: list[Table], notes: list[str], plots: list[Plot]) -> list[Path]:
    """Write `README.md`, `results.json` and the plots into `folder`.

    Args:
        folder: where the record lies.
        results: `facts` of the measurement (what, and its value) and every round of every measurement.
        tables, notes, plots: what the page shows.
    """
    written = [write(folder / f"{plot.name}.png", plot.png) for plot in plots]
    written.append(write(folder / "results.json", json.dumps(results, indent=1) + "\n"))
    return [write(folder / "README.md", page(results["facts"], tables, notes, plots)), *written]


def page(facts: dict[str, str], tables: list[Table], notes: list[str], plots: list[Plot]) -> str:
    """The page in Markdown.

    Example:
        >>> print(page({"command": "snnx bench all"}, [Table("Layer", ("layer", "ms"), "lr", (("LIF", "0.1"),))], [], []))
        # Benchmarks
        <BLANKLINE>
        Written by the command below, never by hand; every round is in `results.json`.
        <BLANKLINE>
        - command: snnx bench all
        <BLANKLINE>
        ## Layer
        <BLANKLINE>
        | layer | ms |
        | :--- | ---: |
        | LIF | 0.1 |
        <BLANKLINE>
    """
    parts = ["# Benchmarks", "Written by the command below, never by hand; every round is in `results.json`."]
    parts.append("\n".join(f"- {what}: {value}" for what, value in facts.items()))
    parts += [f"![{plot.caption}]({plot.name}.png)\n\n{plot.caption}." for plot in plots]
    for table in tables:
        parts += [f"## {table.title}", markdown(table)]
    return "\n\n".join([*parts, *notes]) + "\n"
