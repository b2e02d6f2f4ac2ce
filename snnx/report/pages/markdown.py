"""A report as Markdown, for `report.md` and for the page of the record."""

from snnx.report.data.verdict import RULE
from snnx.report.results import Results
from snnx.report.tables.table import Table
from snnx.report.tables.text import escaped, markdown


def document(results: Results, images: str = "") -> str:
    """Write the whole report as Markdown: the first table, the claims and the figures, then the other tables.

    Args:
        results: the results of the sweep.
        images: the folder of the plots, relative to the document; either empty or ending in a slash.
    """
    parts = [f"# {_plain(results.heading)}"]
    if results.command:
        parts.append(f"```\n{results.command.replace('`', ' ')}\n```")
    if results.about:
        parts.append(_plain(results.about).replace("*", r"\*"))
    parts.append("Means are over seeds, ± is the sample standard deviation, n the number of seeds.")
    first, *others = results.tables
    parts += _section(first)
    if results.notes:
        parts.append("\n".join(f"- {_plain(note)}" for note in results.notes))
    if results.verdicts:
        parts += [f"## {_plain(results.claims.title)}", markdown(results.claims), RULE]
    if results.plots:
        parts.append("## Figures")
        captioned = [(plot.name, _plain(plot.caption)) for plot in results.plots]
        parts += [f"![{caption}]({images}{name}.png)\n\n{caption}." for name, caption in captioned]
    if results.undrawn:
        parts.append("\n".join(f"- {_plain(text)}" for text in results.undrawn))
    if results.layers:
        parts.append(f"Layer by layer, in numbers: [layers.csv]({images}layers.csv).")
    parts += [part for table in others for part in _section(table)]
    parts.append("## Provenance")
    parts.append("\n".join(f"- {what}: {_code(what, value)}" for what, value in [*results.provenance, *results.pictured]))
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    below = ["\n".join(f"- {_plain(text)}" for text in table.below)] if table.below else []
    return [f"## {_plain(table.title)}", markdown(table), *below]


def _plain(text: str) -> str:
    """Escape what Markdown would take for markup in a text that snnx did not write, such as an error message."""
    return escaped(text).replace("`", "'")


def _code(what: str, value: str) -> str:
    return f"`{' '.join(value.replace('`', ' ').split())}`" if what == "command" else escaped(value)
