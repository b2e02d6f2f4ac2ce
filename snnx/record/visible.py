"""Makes the control characters of a text visible, so that a file from somebody else cannot control a terminal."""

import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and newline, characters that change the direction of writing, and surrogates.

A surrogate is half of a character. JSON and names of files can contain one, and such a text cannot be written to a file.
"""


def visible(value: object) -> object:
    """Return the value with every control character in its texts written as an escape sequence, such as `\\\\x1b`.

    Example:
        >>> visible({"row": "A\\x1b[2J", "seeds": [0, "\\u202e1"]})
        {'row': 'A\\\\x1b[2J', 'seeds': [0, '\\\\u202e1']}
    """
    if isinstance(value, str):
        return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), value)
    if isinstance(value, dict):
        return {visible(key): visible(item) for key, item in value.items()}
    return [visible(item) for item in value] if isinstance(value, list) else value
