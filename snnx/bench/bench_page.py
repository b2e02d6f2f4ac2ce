"""Writes the committed record of the benchmarks: a page, its numbers as JSON, and two figures."""

import json
from pathlib import Path

from snnx.record.write import write
from snnx.report.figures.axes import Plot
from snnx.report.tables.table import Table
from snnx.report.tables.text import markdown


def record(folder: Path, results: dict, tables: list[Table], notes: list[str], plots: list[Plot], name: str = "") -> list[Path]:
    """Write `README.md`, `results.json` and the plots into `folder`; with a name, `NAME.md` and `NAME.json`.

    Args:
        folder: the folder of the record.
        results: the key `facts` describes machine and versions; the other keys are measurements with all their rounds.
        tables, notes, plots: the contents of the page.
        name: name of a separate page; empty for the main page.

    Returns:
        The files that were written.
    """
    written = [write(folder / f"{plot.name}.png", plot.png) for plot in plots]
    written.append(write(folder / f"{name or 'results'}.json", json.dumps(results, indent=1) + "\n"))
    return [write(folder / f"{name or 'README'}.md", page(results["facts"], tables, notes, plots, name)), *written]


def page(facts: dict[str, str], tables: list[Table], notes: list[str], plots: list[Plot], name: str = "") -> str:
    """Write the page as Markdown.

    Example:
        >>> print(page({"command": "snnx bench all"}, [Table("Layer", ("layer", "ms"), "lr", (("LIF", "0.1"),))], [], []))
        # Benchmarks
        <BLANKLINE>
        This page was written by the command below; `results.json` has the numbers of every round.
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
    title, file = (f"Benchmark: {name}", f"{name}.json") if name else ("Benchmarks", "results.json")
    parts = [f"# {title}", f"This page was written by the command below; `{file}` has the numbers of every round."]
    parts.append("\n".join(f"- {what}: {value}" for what, value in facts.items()))
    parts += [f"![{plot.caption}]({plot.name}.png)\n\n{plot.caption}." for plot in plots]
    for table in tables:
        parts += [f"## {table.title}", markdown(table)]
    return "\n\n".join([*parts, *notes]) + "\n"
