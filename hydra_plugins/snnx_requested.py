"""What a command line asks of a search of rows."""

# No `from __future__ import annotations` here: see snnx_local.py.
from contextlib import suppress
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from hydra_plugins.snnx_search import FIRST_SEED, Search


def requested(words: list[str], loader: Any, config: Any, pruner: Any) -> tuple[list[Search], list[int]]:
    """Return the searches that are asked for, one for each row, and the seeds of their winners.

    Args:
        words: the rows and seeds of the sweep file and the words of the command line, as overrides; the last one of a key wins.
        loader: Hydra's loader of configurations.
        config: Hydra's configuration of the sweep.
        pruner: Optuna's pruner as a node, or `None`.

    Raises:
        ValueError: the sweep file has no `tune`, does not tune these rows, or a word must have one value, or be left out.
    """
    from snnx.compose.freeze import freeze
    from snnx.options.sweepfile import sweep_named

    parser = OverridesParser.create(config_loader=loader)
    name = config.hydra.runtime.choices.get("sweep")
    tune = sweep_named(name).tune if name else None
    if tune is None:
        raise ValueError(f"hydra/sweeper=snnx_tune needs a sweep whose file has the key tune; got sweep={name or 'null'}")
    given = {override.get_key_element(): override for override in parser.parse_overrides(words)}
    rows = [row for row in _values(given.pop("row")) if row in tune.rows]
    if not rows:
        raise ValueError(f"row must be among {', '.join(tune.rows)}, the rows that sweep {name} tunes; got none of them")
    seeds = list(dict.fromkeys(int(seed) for seed in _values(given.pop("seed")))) if "seed" in given else [0]
    if max(seeds) >= FIRST_SEED:
        raise ValueError(f"seed must be below {FIRST_SEED}, the first seed of the trials of a search; got {max(seeds)}")
    for key, override in given.items():
        if override.is_sweep_override():
            raise ValueError(f"{key} must have one value while rows are tuned; got {override.input_line}")
        if key in tune.keys:
            raise ValueError(f"{key} must not be set while it is searched; got {override.input_line}: leave it out")
    space = {key: _space(parser, key, text) for key, text in tune.keys.items()}
    fixed = {key: override.input_line for key, override in given.items()}
    searches = [
        Search(
            name, row, tune=tune, space=space, fixed=fixed, pruner=pruner,
            compose=lambda words: freeze(loader, config, [words])[0],
        )
        for row in rows
    ]  # fmt: skip
    return searches, seeds


def _space(parser: OverridesParser, key: str, text: str) -> Override:
    from hydra.errors import HydraException

    with suppress(HydraException):
        (override,) = parser.parse_overrides([f"{key}={text}"])
        if override.is_sweep_override():
            return override
    raise ValueError(f"{key} of tune must be a range or a choice in Hydra's syntax, such as interval(0.001, 0.1); got {text}")


def _values(override: Override) -> list[str]:
    return list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(override.value())]
