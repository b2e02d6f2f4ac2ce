"""Finds settings in which the rows of an ablation differ although its factor does not explain it."""

from collections.abc import Mapping, Sequence

from snnx.record.identity import changes


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
    (base, config), *others = configs.items()
    return [f"{row} compared to {base}: {line}" for row, other in others for line in _differing(factors, config, other)]


def _differing(factors: Sequence[str], first: Mapping, second: Mapping) -> list[str]:
    explained: set[str] = set()
    lines = []
    for line in changes(first, second):
        if _below_any(factors, line.split(":")[0]):
            explained.add(_leaf(line))
        else:
            lines.append(line)
    lines = [line for line in lines if _leaf(line) not in explained]  # encoding.timesteps, where timesteps is a factor
    return list({_leaf(line): line for line in reversed(lines)}.values())[::-1]


def _leaf(line: str) -> str:
    """Return `timesteps: 2 → 3` for `encoding.timesteps: 2 → 3`, so that two keys with one cause are reported once."""
    key, _, values = line.partition(":")
    return f"{key.rpartition('.')[2]}:{values}"


def _below_any(factors: Sequence[str], key: str) -> bool:
    """Whether a key is one of the factors or below one, as `neuron.tau` is below `neuron`."""
    return any(f"{key}.".startswith(f"{factor}.") for factor in factors)
