"""Finds the option of each group that a command line chooses, itself or through its row, sweep or recipe."""

from collections.abc import Iterable, Mapping, Sequence

import yaml

from snnx.options import sweepfile
from snnx.options.files import files, is_group
from snnx.options.folders import shipped

Choices = dict[str, str | None]


def defaults() -> Choices:
    """Return the option that `conf/config.yaml` chooses for each group.

    Example:
        >>> defaults()["neuron"], defaults()["recipe"]
        ('lif', None)
    """
    return choices(yaml.safe_load((shipped("conf") / "config.yaml").read_text(encoding="utf-8")))


def recipe_and_sweep(chosen: Mapping[str, str | None]) -> list[dict]:
    """Return the contents of the chosen recipe and of the chosen sweep, in the order in which they are applied."""
    recipe, sweep = chosen.get("recipe"), chosen.get("sweep")
    found = [yaml.safe_load(files("recipe")[recipe].read_text(encoding="utf-8"))] if recipe else []
    return found + ([sweepfile.read(sweepfile.find(sweep)).body] if sweep else [])


def choices(body: Mapping) -> Choices:
    """Return the options that the defaults list of a file chooses.

    Example:
        >>> choices({"defaults": ["schema", {"override /neuron": "plif"}], "seed": 0})
        {'neuron': 'plif'}
    """
    pairs = (pair for entry in body.get("defaults", []) if isinstance(entry, dict) for pair in entry.items())
    return {words.removeprefix("override ").removeprefix("/"): name for words, name in pairs}


def row_words(sweep: str | None, label: str | None) -> Sequence[str]:
    """Return the settings of a row of a sweep, as the words of a command line."""
    return sweepfile.read(sweepfile.find(sweep)).words.get(label, ()) if sweep and label else ()


def chosen_options(words: Iterable[str]) -> Choices:
    """Return the option of each group that a command line chooses, directly or through its row, its sweep or its recipe.

    Example:
        >>> chosen = chosen_options(["recipe=dta_mnist", "init=torch_default"])
        >>> chosen["init"], chosen["scheduler"], chosen["loss"]
        ('torch_default', 'milestones', 'cross_entropy')
    """
    given = by_group(words)
    found = defaults() | given
    for body in recipe_and_sweep({"sweep": found["sweep"]}):  # the sweep may choose the recipe
        found |= choices(body) | given
    for body in recipe_and_sweep(found):
        found |= choices(body)
    return found | by_group(row_words(found["sweep"], given.get("row"))) | given


def by_group(words: Iterable[str]) -> Choices:
    pairs = (word.lstrip("+~").partition("=")[::2] for word in words)
    return {key: None if value == "null" else value for key, value in pairs if is_group(key) or key in ("sweep", "row")}
