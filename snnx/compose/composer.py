"""Composes the runs of a sweep, and merges the options that several of them choose only once."""

import pickle
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, open_dict

from snnx.compose.row_merger import RowMerger
from snnx.options import sweepfile
from snnx.options.left_over import left_over


class Composed(NamedTuple):
    """A composed run."""

    number: int  # its position among the runs of the sweep
    config: DictConfig  # without Hydra's own part
    overrides: list[str]
    choices: dict[str, str]  # the chosen option of each group
    unused: list[tuple[str, str]]  # see `left_over`


Merged = tuple[DictConfig, dict[str, str], list[str]]
"""The configuration merged from a run's options; the option of each group; the words from which it was merged."""


class Composer:
    """Composes runs as Hydra does, but runs that choose the same options share the first of its two steps.

    Hydra first merges the files of the chosen options. Then it applies the overrides that set single values, such as
    `neuron.tau=4` or `seed=3`, to the result. The first step takes far longer, and depends only on the words that choose
    options. So it is done once for all runs that have these words in common. Each run gets a copy, and Hydra itself applies the
    values to it. Rows that choose the same options share most of the first step too, see `RowMerger`.

    Args:
        loader: Hydra's loader of configurations.
        master: Hydra's configuration of the sweep.
    """

    def __init__(self, loader: Any, master: DictConfig) -> None:
        self.loader, self.master = loader, master
        name, words = master.hydra.job.config_name, list(master.hydra.overrides.hydra)
        _, repository = loader._parse_overrides_and_create_caching_repo(name, words)
        self._is_group = cache(repository.group_exists)
        self._load = repository.delegate.load_config  # without a cache, which would keep every row
        self._row_words = cache(lambda sweep: sweepfile.read(sweepfile.find(sweep)).words if sweep else {})
        parser = OverridesParser.create()
        self._parsed = cache(lambda word: parser.parse_overrides([word])[0])

    def composed(self, job_overrides: Sequence[Sequence[str]]) -> Iterator[Composed]:
        """Compose runs, those that choose the same options one after another.

        Raises:
            HydraException: a word of a run is wrong.
        """
        alike: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        for number, words in enumerate(job_overrides):
            options = self._options(words)
            alike.setdefault(self._without_label(options), {}).setdefault(options, []).append(number)
        unused: dict[tuple, list[tuple[str, str]]] = {}
        for same in alike.values():
            for (options, numbers), (merged, choices, alone) in zip(same.items(), self._merged(list(same)), strict=True):
                copied = pickle.dumps(merged)  # loading it is the fastest way to copy it
                row = self._row_words(choices.get("sweep")).get(choices.get("row"), ())
                for number in numbers:
                    words = job_overrides[number]
                    config = pickle.loads(copied)
                    values = [self._parsed(word) for word in words if word not in options]
                    self.loader._apply_overrides_to_config(values, config)
                    task = self._task(words) if values else alone
                    keys = (word.partition("=")[0] for word in (*task, *row))
                    facts = (*(choices | {"row": None}).items(), *keys)  # `left_over` does not depend on the values
                    if facts not in unused:
                        unused[facts] = left_over(choices, task)
                    yield Composed(number, config, task, choices, unused[facts])

    def _merged(self, alike: Sequence[tuple[str, ...]]) -> Iterator[Merged]:
        """Merge the options of runs that choose the same ones, and differ in the row only."""
        first, *others = alike
        merged, choices, task = self._loaded(first)
        yield merged, choices, task
        if others:
            rows = RowMerger(self.loader, self.master, first, choices["row"])
            for options in others:
                label = next(word.removeprefix("row=") for word in options if word.startswith("row="))
                merged = rows.merged(label)
                found = (merged, choices | {"row": label}, self._task(options))
                yield found if merged is not None else self._loaded(options)

    def _loaded(self, options: Sequence[str]) -> Merged:
        merged = self.loader.load_sweep_config(self.master, list(options))
        choices, task = dict(merged.hydra.runtime.choices), list(merged.hydra.overrides.task)
        with open_dict(merged):
            del merged["hydra"]  # a run's configuration cannot refer to it, and it is larger than the rest
        return merged, choices, task

    def _task(self, words: Sequence[str]) -> list[str]:
        return [word for word in words if not self._parsed(word).is_hydra_override()]

    def _options(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words of a run that are needed to merge its options.

        These are the words that choose options. If a word refers to other values, as in `backbone.depth=${timesteps}`, all
        words are needed, because Hydra resolves the reference also among its own settings.
        """
        if any("${" in word for word in words):
            return tuple(words)
        return tuple(word for word in words if not self._sets_value(self._parsed(word)))

    def _without_label(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Replace the row by the options that it chooses; these are the same for rows that differ in values only."""
        rows = [word for word in options if word.startswith("row=")]
        if len(rows) != 1 or any("${" in word for word in options):
            return options
        label = rows[0].removeprefix("row=")
        row = self._load(f"row/{label}") if self._parsed(rows[0]).value() == label else None
        return options if row is None else tuple(str(row.defaults_list) if word == rows[0] else word for word in options)

    def _sets_value(self, override: Override) -> bool:
        """Whether Hydra applies an override after it has merged the options; it decides so in its class `Overrides`."""
        if override.is_hydra_override() or override.is_sweep_override():  # Hydra reports an override of a sweep as an error
            return False
        return isinstance(override.value(), dict) or not self._is_group(override.key_or_group)
