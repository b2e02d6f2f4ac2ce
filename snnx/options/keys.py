"""Reads the keys of an option from its file."""

import re

from snnx.options.files import files
from snnx.options.read_text import read_text


def keys(group: str, option: str | None) -> list[str]:
    """Return the keys that an option's file sets, sorted; an empty list if there is no such option.

    Example:
        >>> keys("init", "kaiming"), keys("init", "torch_default"), keys("init", None)
        (['conv_gain', 'distribution', 'gain'], [], [])
    """
    path = files(group).get(option or "")
    found = re.findall(r"^(\w+):", read_text(path), re.MULTILINE) if path else []
    return sorted(key for key in found if not key.startswith("_"))
