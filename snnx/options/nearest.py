"""Suggests the name that a user may have meant."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to an error message: the known name closest to `name`, or nothing.

    Example:
        >>> nearest("fig10", ["dtst_fig10_neurons", "demo_neurons"]), nearest("lff", ["if", "lif"]), nearest("x", ["lif"])
        ('; did you mean dtst_fig10_neurons?', '; did you mean lif?', '')
    """
    known = list(known)
    part = [candidate for candidate in known if name and name in candidate]
    close = difflib.get_close_matches(name, known, n=1) or (part if len(part) == 1 else [])
    return f"; did you mean {close[0]}?" if close else ""
