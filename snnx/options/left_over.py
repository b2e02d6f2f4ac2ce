"""Finds the settings that a recipe or a sweep made for an option that was then replaced by another one."""

from collections.abc import Callable, Iterable, Mapping

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
    words = [*overrides, *row_words(chosen.get("sweep"), chosen.get("row"))]
    given = {word.lstrip("+~").partition("=")[0] for word in words}
    found = replaced(recipe_and_sweep(chosen), chosen, defaults(), keys)
    return [(group, key) for group, key in found if f"{group}.{key}" not in given]


def replaced(
    bodies: Iterable[Mapping],
    chosen: Mapping[str, str | None],
    option: Mapping[str, str | None],
    keys_of: Callable[[str, str | None], Iterable[str]],
) -> list[tuple[str, str]]:
    """Return the settings of files, as (group, key), that were made for another option and that the chosen one does not have.

    Args:
        bodies: the contents of the recipe and of the sweep file, in the order in which they are applied.
        chosen: the chosen option of each group.
        option: the option of each group before these files.
        keys_of: a function that returns the keys of an option of a group.

    Example:
        >>> recipe = {"defaults": [{"override /init": "kaiming"}], "init": {"gain": 2.0, "distribution": "normal"}}
        >>> replaced([recipe], {"init": "xavier"}, {"init": None}, lambda group, option: ["gain"])
        [('init', 'distribution')]
    """
    made_for: dict[tuple[str, str], str | None] = {}
    for body in bodies:
        option = {**option, **choices(body)}
        groups = [group for group, content in body.items() if isinstance(content, Mapping) and is_group(group)]
        made_for |= {(group, key): option.get(group) for group in groups for key in body[group]}
    return [
        (group, key)
        for (group, key), name in made_for.items()
        if name != chosen.get(group) and key not in keys_of(group, chosen.get(group))
    ]
