"""Finds the settings that a recipe or a sweep made for an option that was then replaced by another one."""

from collections.abc import Iterable, Mapping

from snnx.compose.layers import choices, defaults, layers, row_words
from snnx.options.files import is_group
from snnx.options.keys import keys


def left_over(chosen: Mapping[str, str | None], overrides: Iterable[str]) -> list[tuple[str, str]]:
    """Return the settings, as (group, key), that do not belong to the chosen options.

    For example, `recipe=dta_mnist` chooses `init=kaiming` and sets `init.distribution`. With `init=torch_default` added to the
    command line, that setting has lost its option. A setting that the chosen option also has, such as a learning rate, stays.
    In a group with several options, such as `metric`, the keys are names of options; there every setting that a recipe or a
    sweep made is returned, and it is left over if none of the chosen options built it, that is, if it has no `_target_`.

    Args:
        chosen: the chosen option of each group.
        overrides: the command line's words; what they or the row set is never left over.
    """
    option = defaults()
    made_for: dict[tuple[str, str], str | None] = {}
    for body in layers(chosen):
        option |= choices(body)
        made_for |= {(group, key): option.get(group) for group in body if is_group(group) for key in body[group] or ()}
    words = [*overrides, *row_words(chosen.get("sweep"), chosen.get("row"))]
    given = {word.lstrip("+~").partition("=")[0] for word in words}
    return [
        (group, key)
        for (group, key), name in made_for.items()
        if name != chosen.get(group) and f"{group}.{key}" not in given and key not in keys(group, chosen.get(group))
    ]
