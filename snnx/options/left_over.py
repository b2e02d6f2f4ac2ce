"""Finds the settings that a recipe or a sweep made for an option that was then replaced by another one."""

from collections.abc import Iterable, Mapping

from snnx.options.chosen_options import choices, defaults, recipe_and_sweep, row_words
from snnx.options.files import is_group
from snnx.options.keys import keys


def left_over(chosen: Mapping[str, str | None], overrides: Iterable[str]) -> list[tuple[str, str]]:
    """Return the settings, as (group, key), that do not belong to the chosen options.

    For example, `recipe=dta_mnist` chooses `init=kaiming` and sets `init.distribution`. With `init=torch_default` added to the
    command line, this setting no longer applies. A setting that the chosen option has too, such as a learning rate, still
    applies. In a group that can have several options, such as `metric`, the keys are names of options. Every setting that a
    recipe or a sweep made in such a group is returned; the caller drops those without a `_target_`, because no chosen option
    defines them.

    Args:
        chosen: the chosen option of each group.
        overrides: the words of the command line; settings that they or the row make are always kept.
    """
    option = defaults()
    made_for: dict[tuple[str, str], str | None] = {}
    for body in recipe_and_sweep(chosen):
        option |= choices(body)
        made_for |= {(group, key): option.get(group) for group in body if is_group(group) for key in body[group] or ()}
    words = [*overrides, *row_words(chosen.get("sweep"), chosen.get("row"))]
    given = {word.lstrip("+~").partition("=")[0] for word in words}
    return [
        (group, key)
        for (group, key), name in made_for.items()
        if name != chosen.get(group) and f"{group}.{key}" not in given and key not in keys(group, chosen.get(group))
    ]
