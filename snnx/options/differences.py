"""Finds what the rows of an ablation differ in although its factor does not explain it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from snnx.options.network_differences import network_differences
from snnx.record.identity import changes


class Confound(NamedTuple):
    """A setting, or an aspect of its network, in which a row differs from the first row although no factor explains it."""

    row: str
    base: str  # the first row
    change: str  # for example, `optimizer.lr: 0.1 → 0.2`

    def __str__(self) -> str:
        return f"{self.row} compared to {self.base}: {self.change}"


def confounds(
    factors: Sequence[str], configs: Mapping[str, Mapping], networks: Mapping[str, Mapping | None] = MappingProxyType({})
) -> list[Confound]:
    """List what each row differs in from the first although no factor explains it: its settings, then its network.

    The plan of a sweep, its start and its report all compare rows with this function.

    Args:
        factors: the groups or keys that a sweep file names as its factor.
        configs: for each row, the resolved configuration of one of its runs, all with the same seed.
        networks: for each row, the network of this run as `snnx.run.built` describes it, if it is known.

    Example:
        >>> rows = {"A": {"neuron": {"tau": 2.0}, "lr": 0.1}, "B": {"neuron": {"tau": 4.0}, "lr": 0.2}}
        >>> print(*confounds(["neuron"], rows))
        B compared to A: lr: 0.1 → 0.2
        >>> confounds(["neuron.tau", "lr"], rows)
        []
        >>> print(*confounds(["neuron.tau", "lr"], rows, {"A": {"v_reset": {"sn1": 0.0}}, "B": {"v_reset": {"sn1": "soft"}}}))
        B compared to A: v_reset: 0.0 → soft (sn1)
        >>> print(*confounds(["lr"], rows, {"A": {"tau": {"sn1": 2.0}}, "B": {"tau": {"sn1": 4.0}}}))
        B compared to A: neuron.tau: 2.0 → 4.0
        >>> rows = {"A": {"timesteps": 2, "encoding": {"timesteps": 2}}, "B": {"timesteps": 4, "encoding": {"timesteps": 4}}}
        >>> confounds(["timesteps"], rows)
        []
    """
    (base, config), *others = configs.items()
    found = []
    for row, other in others:
        settings = _differing(factors, config, other)
        found += [Confound(row, base, change) for change in settings]
        if (first := networks.get(base)) and (second := networks.get(row)):
            named = [*factors, *(change.partition(":")[0] for change in settings)]  # these are named already
            found += [Confound(row, base, change) for change in network_differences(named, first, second)]
    return found


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
