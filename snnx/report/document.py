"""A report in Markdown: `report.md`, and the page of the record."""

from snnx.report.results import Results
from snnx.report.table import markdown
from snnx.report.verdict import RULE


def document(results: Results, images: str = "") -> str:
    """The whole report as Markdown.

    Args:
        results: what to say.
        images: the folder of the plots, seen from the document; ends in a slash unless empty.
    """
    parts = [f"# {results.heading}"]
    if results.preamble:
        parts.append(f"```\n{results.preamble}\n```")
    parts.append("Means are over seeds, ± is the sample standard deviation, n the number of seeds.")
    for table in results.tables:
        parts += [f"## {table.title}", markdown(table)]
        parts += ["\n".join(f"- {_plain(text)}" for text in table.below)] if table.below else []
    if results.notes:
        parts.append("\n".join(f"- {_plain(note)}" for note in results.notes))
    if results.verdicts:
        parts += ["## Claims", markdown(results.claims), RULE]
    if results.plots:
        parts.append("## Figures")
        parts += [f"![{plot.caption}]({images}{plot.name}.png)\n\n{plot.caption}." for plot in results.plots]
    parts.append("## Provenance")
    parts.append("\n".join(f"- {what}: {_code(what, value)}" for what, value in results.provenance))
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """An error message may hold anything; in a list item it shall not become markup."""
    return text.replace("<", "&lt;").replace("`", "'")


def _code(what: str, value: str) -> str:
    return f"`{value}`" if what == "command" else value
