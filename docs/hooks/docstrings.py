"""Extension of griffe: brings the docstrings of snnx into the form that the site can show."""

import re

from griffe import Extension, Object

SEVERAL = re.compile(r"^( +)((?:\w+, )+\w+): (.+)$", re.MULTILINE)
"""Arguments that share a description, such as `v_threshold, v_reset: see Node`."""
OURS = re.compile(r"^(Shape|Source):\s+(.+(?:\n(?! *$).+)*)", re.MULTILINE)
"""A section that griffe does not know, on the line of its title or below it."""


class Sections(Extension):
    """Prepares each docstring before it is divided into sections."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        if obj.docstring:
            obj.docstring.value = prepared(obj.docstring.value)


def prepared(text: str) -> str:
    """Give each argument a line of its own, put unknown titles in bold, and use griffe's name for examples."""
    text = SEVERAL.sub(lambda found: "\n".join(f"{found[1]}{name}: {found[3]}" for name in found[2].split(", ")), text)
    text = OURS.sub(lambda found: f"**{found[1]}:** " + re.sub(r"\n +", "\n", found[2]), text)
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    return re.sub(r"::$", ":", text, flags=re.MULTILINE)
