"""Finds settings in which the rows of an ablation differ although its factor does not explain it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from snnx.record.identity import changes


class Confound(NamedTuple):
    """A setting in which a row differs from the first row although no factor explains it."""

    row: str
    base: str  # the first row
    change: str  # for example, `optimizer.lr: 0.1 → 0.2`


def unexplained(factors: Sequence[str], configs: Mapping[str, Mapping]) -> list[str]:
    """List the settings in which each row differs from the first and which are not below a factor, one line for each.

    Args:
        factors: the groups or keys that a sweep file names as its factor.
        configs: for each row, the resolved configuration of one of its runs, all with the same seed.

    Example:
        >>> rows = {"A": {"neuron": {"tau": 2.0}, "lr": 0.1}, "B": {"neuron": {"tau": 4.0}, "lr": 0.2}}
        >>> unexplained(["neuron"], rows)
        ['B compared to A: lr: 0.1 → 0.2']
        >>> unexplained(["neuron.tau", "lr"], rows)
        []
        >>> rows = {"A": {"timesteps": 2, "encoding": {"timesteps": 2}}, "B": {"timesteps": 4, "encoding": {"timesteps": 4}}}
        >>> unexplained(["timesteps"], rows)
        []
    """
    return [f"{one.row} compared to {one.base}: {one.change}" for one in find_confounds(factors, configs)]


def find_confounds(factors: Sequence[str], configs: Mapping[str, Mapping]) -> list[Confound]:
    """Find the settings that `unexplained` lists."""
    (base, config), *others = configs.items()
    return [Confound(row, base, change) for row, other in others for change in _differing(factors, config, other)]


def _differing(factors: Sequence[str], first: Mapping, second: Mapping) -> list[str]:
    lines = changes(first, second)
    explained = {_leaf(line) for line in lines if _below_any(factors, line.split(":")[0])}
    others = {_leaf(line): line for line in reversed(lines) if _leaf(line) not in explained}
    return list(others.values())[::-1]


def _leaf(line: str) -> str:
    """Return `timesteps: 2 → 3` for `encoding.timesteps: 2 → 3`, so that two keys with one cause count as one."""
    key, _, values = line.partition(":")
    return f"{key.rpartition('.')[2]}:{values}"


def _below_any(factors: Sequence[str], key: str) -> bool:
    """Whether a key is one of the factors or below one, as `neuron.tau` is below `neuron`."""
    return any(f"{key}.".startswith(f"{factor}.") for factor in factors)
