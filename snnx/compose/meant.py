"""Finds the key of a group that a name without its group may mean."""

import difflib
from collections.abc import Sequence

from snnx.compose.schema import Budget
from snnx.options.chosen_options import chosen_options
from snnx.options.files import is_group
from snnx.options.keys import keys


def meant(name: str, words: Sequence[str]) -> str:
    """Return a suggestion to append to an error message: the keys of the chosen options with this name, or the nearest name.

    Example:
        >>> meant("lr", []), meant("max_epoch", []), meant("xyz", [])
        ('; did you mean optimizer.lr?', '; did you mean trainer.max_epochs?', '')
    """
    chosen = chosen_options(words).items()
    inside = {group: keys(group, option) for group, option in chosen if is_group(group) and not isinstance(option, list)}
    inside["budget"] = sorted(Budget.__dataclass_fields__)
    known = [key for found in inside.values() for key in found]
    nearest = name if name in known else next(iter(difflib.get_close_matches(name, known, n=1)), None)
    found = [f"{group}.{nearest}" for group, names in inside.items() if nearest in names]
    return f"; did you mean {' or '.join(found)}?" if found else ""
