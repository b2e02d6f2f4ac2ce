"""Finds differences between the networks of two rows of an ablation that its factor does not explain."""

from collections.abc import Iterator, Mapping, Sequence

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


def network_differences(factors: Sequence[str], first: Mapping[str, Mapping], second: Mapping[str, Mapping]) -> Iterator[str]:
    """Yield the differences between two networks that no factor explains, as `v_reset: 0.0 → soft (sn1, and 3 more)`.

    Args:
        factors: the groups or keys that a sweep file names as its factor.
        first, second: the networks as `snnx.run.built` describes them; a value that one of the two lacks is not compared.

    Example:
        >>> first, second = ({"tau": {"sn1": tau, "sn2": tau}, "bias": {"fc": True}} for tau in (2.0, 4.0))
        >>> list(network_differences(["neuron.tau"], first, second)), list(network_differences(["neuron"], first, second))
        ([], ['tau: 2.0 → 4.0 (sn1, and 1 more)'])
    """
    explained = {aspect for key in factors for aspect in (*EXPLAINED.get(key.split(".")[0], ()), key.split(".")[-1])}
    for aspect in first:
        if aspect in second and aspect not in explained:
            yield from _compared(aspect, first[aspect], second[aspect])


def _compared(aspect: str, first: Mapping, second: Mapping) -> Iterator[str]:
    """Describe the differences in one aspect by the first layer that differs and the number of further ones."""
    if aspect == "layers" and list(first) != list(second):
        yield f"layers: {len(first)} → {len(second)}, with another order or other names"
        return
    layers = [name for name in first if None not in (first[name], second.get(name)) and first[name] != second[name]]
    if layers:
        change = "not the same" if aspect == "initial weights" else f"{first[layers[0]]} → {second[layers[0]]}"
        more = f", and {len(layers) - 1} more" if len(layers) > 1 else ""
        yield f"{aspect}: {change} ({layers[0]}{more})"
