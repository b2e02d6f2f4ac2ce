"""How a command ends if what it was given cannot be used."""

import sys

REFUSED = (ValueError, OSError)
"""The errors whose message is for the user: a wrong value, and a file that is missing or cannot be read."""


def refusal(command: str, error: Exception) -> int:
    """Print why the command cannot go on, and return its exit code.

    Returns:
        1 if only the data set is missing on this machine, and else 2.

    Example:
        >>> refusal("audit", ValueError("epoch must be at least 1; got 0"))
        2
    """
    from snnx.dataset.published import NoData  # imported here because it takes torch with it

    print(f"snnx {command}: {error}", file=sys.stderr)
    return 1 if isinstance(error, NoData) else 2
