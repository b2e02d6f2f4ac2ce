"""Prints why a command cannot be executed, and returns its exit code."""

import sys

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

    print(f"snnx {command}: {error}", file=sys.stderr)
    return 1 if isinstance(error, NoData) else 2
