"""Suggests the name that a user may have meant."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to an error message: the known name closest to `name`, or nothing.

    Capital letters do not matter, so that `LIF` finds `lif`.

    Example:
        >>> nearest("fig10", ["dtst_fig10_neurons", "demo_neurons"]), nearest("lff", ["if", "lif"]), nearest("x", ["lif"])
        ('; did you mean dtst_fig10_neurons?', '; did you mean lif?', '')
        >>> nearest("DIGITS", ["digits", "event_digits"])
        '; did you mean digits?'
    """
    names: dict[str, str] = {}
    for candidate in known:
        names.setdefault(candidate.lower(), candidate)
    name = name.lower()
    part = [candidate for candidate in names if name and name in candidate]
    close = difflib.get_close_matches(name, names, n=1) or (part if len(part) == 1 else [])
    return f"; did you mean {names[close[0]]}?" if close else ""
