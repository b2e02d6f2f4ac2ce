"""Writes a table for a terminal and as Markdown."""

from rich.table import Table as RichTable
from rich.text import Text

from snnx.report.tables.table import Table


def terminal(table: Table) -> RichTable:
    """Format a table for a terminal."""
    drawn = RichTable(title=Text(table.title), title_justify="left", header_style="bold")
    for column, side in zip(table.columns, table.align, strict=True):
        drawn.add_column(Text(column), justify="right" if side == "r" else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))  # as plain str, rich would read metric=[potential] as markup
    return drawn


def markdown(table: Table) -> str:
    """Format a table as GitHub Markdown.

    Example:
        >>> print(markdown(Table("", ("row", "ours"), "lr", (("a|b", "0.9"),))))
        | row | ours |
        | :--- | ---: |
        | a\\|b | 0.9 |
    """
    rule = tuple("---:" if side == "r" else ":---" for side in table.align)
    columns, *body = (tuple(escaped(cell).replace("|", "\\|") for cell in row) for row in (table.columns, *table.rows))
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, rule, *body))


def escaped(text: str) -> str:
    """Escape what Markdown would take for HTML or for a picture, which a page would load from anywhere; lines become one.

    Example:
        >>> print(escaped("<b>A</b> ![x](http://x) metric=[a,b]"))
        &lt;b>A&lt;/b> !\\[x](http://x) metric=[a,b]
    """
    return " ".join(text.replace("<", "&lt;").replace("![", r"!\[").splitlines())
