"""Prints why a command cannot be executed, and returns its exit code."""

import sys

from snnx.record.masked import masked
from snnx.record.visible import visible

REFUSED = (ValueError, OSError)
"""The errors whose message is for the user: a wrong value, and a file that is missing or cannot be read."""


def refusal(command: str, error: Exception) -> int:
    """Print why the command cannot be executed, and return its exit code.

    Returns:
        1 if the data set is not on this machine, otherwise 2.

    Example:
        >>> refusal("audit", ValueError("epoch must be at least 1; got 0"))
        2
    """
    from snnx.dataset.published import NoData  # imported here, because it imports torch

    complain(f"snnx {command}: {error}")
    return 1 if isinstance(error, NoData) else 2


def complain(text: str) -> None:
    """Print a line to standard error.

    It may repeat a text from somebody else's file, so its control characters are shown and secrets are hidden.
    """
    print(visible(masked(text)), file=sys.stderr)
