"""A table of text, which can be written in several formats."""

from dataclasses import dataclass, replace

EMPTY = "-"  # a cell without a value


@dataclass(frozen=True)
class Table:
    """A table whose cells are text."""

    title: str
    columns: tuple[str, ...]
    align: str  # one letter per column: l or r
    rows: tuple[tuple[str, ...], ...]
    below: tuple[str, ...] = ()  # lines below the table, such as formulas


def without_empty_columns(table: Table) -> Table:
    """Drop the columns in which every cell is empty; the first column is always kept.

    Example:
        >>> without_empty_columns(Table("", ("row", "paper", "ours"), "lrr", (("A", "-", "0.9"), ("B", "-", "-")))).columns
        ('row', 'ours')
    """
    kept = [index for index in range(len(table.columns)) if not index or any(row[index] != EMPTY for row in table.rows)]
    columns, align = tuple(table.columns[index] for index in kept), "".join(table.align[index] for index in kept)
    return replace(table, columns=columns, align=align, rows=tuple(tuple(row[index] for index in kept) for row in table.rows))
