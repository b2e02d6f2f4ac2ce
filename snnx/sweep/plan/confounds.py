"""Finds differences between the rows of an ablation that its factor does not explain."""

from collections.abc import Mapping, Sequence

from snnx.options.differences import unexplained

OF_THE_NETWORK = {"layers", "parameters", "bias", "initial weights"}
EXPLAINED = {  # for a factor in this group: the aspects of the network that may differ between rows because of it
    "backbone": OF_THE_NETWORK | {"implementation"},
    "dataset": OF_THE_NETWORK,
    "encoding": OF_THE_NETWORK,  # it decides how many channels reach the first layer
    "init": {"initial weights"},
    "norm": OF_THE_NETWORK,
    "neuron": {"implementation"},  # a neuron without a kernel may be compared: its definition computes the same as a kernel
    "surrogate": {"surrogate"},
}


def confounds(factor: str | Sequence[str], rows: Mapping[str, tuple[Mapping, Mapping[str, Mapping]]]) -> list[str]:
    """List the differences between the first row and each other row that the factor does not explain, one line for each.

    Args:
        factor: a group or key, or several, as in a sweep file; keys below them may differ between rows.
        rows: for each label, the resolved configuration and the network's description by `built`.

    Example:
        >>> def row(tau, lr): return {"neuron": {"tau": tau}, "optimizer": {"lr": lr}}, {"tau": {"sn1": tau}}
        >>> confounds("neuron.tau", {"A": row(2.0, 0.1), "B": row(4.0, 0.1)})
        []
        >>> confounds("neuron.tau", {"A": row(2.0, 0.1), "B": row(4.0, 0.2)})
        ['B compared to A: optimizer.lr: 0.1 → 0.2']
        >>> confounds(["neuron.tau", "optimizer"], {"A": row(2.0, 0.1), "B": row(4.0, 0.2)})
        []
    """
    factors = [factor] if isinstance(factor, str) else list(factor)
    explained = {aspect for key in factors for aspect in (*EXPLAINED.get(key.split(".")[0], ()), key.split(".")[-1])}
    (base, (first, network)), *others = rows.items()
    found = []
    for label, (config, other) in others:
        found += unexplained(factors, {base: first, label: config})
        found += [
            f"{label} compared to {base}: {line}"
            for aspect in network
            if aspect not in explained
            for line in _compared(aspect, network[aspect], other[aspect])
        ]
    return found


def _compared(aspect: str, first: Mapping, second: Mapping) -> list[str]:
    """Describe the differences in one aspect by the first layer that differs and the number of further ones.

    A value that one of the two networks does not have is not a difference.
    """
    if aspect == "layers" and list(first) != list(second):
        return [f"layers: {len(first)} → {len(second)}, with another order or other names"]
    layers = [name for name in first if None not in (first[name], second.get(name)) and first[name] != second[name]]
    if not layers:
        return []
    more = f", and {len(layers) - 1} more" if len(layers) > 1 else ""
    return [f"{aspect}: {first[layers[0]]} → {second[layers[0]]} ({layers[0]}{more})"]
