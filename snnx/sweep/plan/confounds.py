"""What differs between the rows of an ablation besides the factor it names."""

from collections.abc import Mapping, Sequence

from snnx.record.identity import changes

OF_THE_NETWORK = {"layers", "parameters", "bias", "initial weights"}
FOLLOWS = {  # a factor's group, and the aspects of the network that follow from it
    "backbone": OF_THE_NETWORK | {"implementation"},
    "dataset": OF_THE_NETWORK,
    "init": {"initial weights"},
    "norm": OF_THE_NETWORK,
    "neuron": {"implementation"},  # a kernel gives what the definition gives, and a neuron of one's own has none
    "surrogate": {"surrogate"},
}


def confounds(factor: str | Sequence[str], rows: Mapping[str, tuple[Mapping, Mapping[str, Mapping]]]) -> list[str]:
    """One line for each difference between the first row and another that the factor does not explain.

    Args:
        factor: a group or key, or several, as a sweep file names them; what is configured below one may differ.
        rows: label to configuration (resolved, plain) and to the network as `built`.

    Example:
        >>> def row(tau, lr): return {"neuron": {"tau": tau}, "optimizer": {"lr": lr}}, {"tau": {"sn1": tau}}
        >>> confounds("neuron.tau", {"A": row(2.0, 0.1), "B": row(4.0, 0.1)})
        []
        >>> confounds("neuron.tau", {"A": row(2.0, 0.1), "B": row(4.0, 0.2)})
        ['B against A: optimizer.lr: 0.1 → 0.2']
        >>> confounds(["neuron.tau", "optimizer"], {"A": row(2.0, 0.1), "B": row(4.0, 0.2)})
        []
    """
    factors = [factor] if isinstance(factor, str) else list(factor)
    explained = {aspect for one in factors for aspect in (*FOLLOWS.get(one.split(".")[0], ()), one.split(".")[-1])}
    (base, (config, network)), *others = rows.items()
    found = []
    for label, (other_config, other_network) in others:
        settings = [line for line in changes(config, other_config) if not _below_any(factors, line.split(":")[0])]
        differing = list({_leaf(line): line for line in reversed(settings)}.values())[::-1]
        differing += [
            line
            for aspect in network
            if aspect not in explained
            for line in _compared(aspect, network[aspect], other_network[aspect])
        ]
        found += [f"{label} against {base}: {line}" for line in differing]
    return found


def _leaf(line: str) -> str:
    """What is the same in `timesteps: 2 → 3` and `encoding.timesteps: 2 → 3`, of which one follows from the other."""
    key, _, values = line.partition(":")
    return f"{key.rpartition('.')[2]}:{values}"


def _below_any(factors: Sequence[str], key: str) -> bool:
    """Whether a configuration's key is one of the factors or lies below one."""
    return any(f"{key}.".startswith(f"{factor}.") for factor in factors)


def _compared(aspect: str, first: Mapping, second: Mapping) -> list[str]:
    """One line for an aspect: the first place that differs and how many do; what one of them lacks is no difference."""
    if aspect == "layers" and list(first) != list(second):
        return [f"layers: {len(first)} → {len(second)}, in another order or under other names"]
    places = [place for place in first if None not in (first[place], second.get(place)) and first[place] != second[place]]
    if not places:
        return []
    more = f", and {len(places) - 1} more" if len(places) > 1 else ""
    return [f"{aspect}: {first[places[0]]} → {second[places[0]]} ({places[0]}{more})"]
