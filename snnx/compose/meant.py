"""Suggests the keys that somebody may have meant who typed a name without its group, such as `lr` for `optimizer.lr`."""

import difflib
from collections.abc import Mapping, Sequence

from snnx.compose.schema import Budget
from snnx.options.chosen_options import chosen_options
from snnx.options.files import is_group
from snnx.options.keys import keys


def meant(name: str, words: Sequence[str]) -> str:
    """Return a suggestion to append to an error message: the keys of the chosen options with this name, or the nearest name.

    Example:
        >>> meant("LR", []), meant("max_epoch", []), meant("xyz", [])
        ('; did you mean optimizer.lr?', '; did you mean trainer.max_epochs?', '')
        >>> meant("epochs", []), meant("samples", [])  # a factor of the budget only if no setting has such a name
        ('; did you mean trainer.max_epochs?', '; did you mean budget.samples?')
    """
    chosen = chosen_options(words).items()
    inside = {group: keys(group, option) for group, option in chosen if is_group(group) and not isinstance(option, list)}
    budget = {"budget": sorted(Budget.__dataclass_fields__)}
    found = _matching(name.lower(), inside) or _matching(name.lower(), budget)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _matching(name: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the keys of the groups that have this name, or the one that is nearest to it."""
    known = [key for found in groups.values() for key in found]
    nearest = name if name in known else next(iter(difflib.get_close_matches(name, known, n=1)), None)
    return [f"{group}.{nearest}" for group, names in groups.items() if nearest in names]
