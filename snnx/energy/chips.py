"""Energy on two neuromorphic chips relative to a reference network, from time and spikes."""

RATE_STEPS, RATE_SPIKES = 512, 2.612e6
"""Latency and spikes of the paper's reference: RMP-SNN, VGG-16 on CIFAR-10."""
SHARES = {"truenorth": (0.6, 0.4), "spinnaker": (0.36, 0.64)}
"""Static and dynamic share of the reference's energy, by chip."""


def relative_energy(
    steps: float, spikes: float, chip: str, *, of_steps: float = RATE_STEPS, of_spikes: float = RATE_SPIKES
) -> float:
    """Return `E_static * steps/of_steps + E_dynamic * spikes/of_spikes`, which is 1 for the reference network.

    Args:
        steps, spikes: latency and number of spikes; tensors work, too.
        chip: one of `SHARES`.
        of_steps, of_spikes: those of the reference; by default, of the paper's rate-coded network.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 11 and Table 2. That each term is divided
        by that of the rate-coded network before it is weighted is our conclusion from the table, and fits all its rows.

    Example:
        >>> round(relative_energy(160, 0.073e6, "truenorth"), 4), round(relative_energy(160, 0.073e6, "spinnaker"), 4)
        (0.1987, 0.1304)
        >>> relative_energy(100, 5000, "truenorth", of_steps=100, of_spikes=10000)
        0.8
    """
    static, dynamic = SHARES[chip]
    return static * steps / of_steps + dynamic * spikes / of_spikes
