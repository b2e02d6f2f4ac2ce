"""Writes texts into CSV so that a spreadsheet takes them for texts."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet computes. Such a formula may read other files, or start a program."""


def as_text(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would compute; a number stays as it is.

    Example:
        >>> [as_text(cell) for cell in ("=1+1", "+neuron.tau=4", "LIF", -0.3, None)]
        ["'=1+1", "'+neuron.tau=4", 'LIF', -0.3, None]
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
