"""Computes the firing rate below which a spiking network takes less energy than a network without spikes."""

from collections.abc import Sequence
from statistics import fmean

from snnx.energy.prices import INT8
from snnx.report.data.lines import Line

ENERGY, SYNOPS, RATE = "test/energy_int8_memory_uj", "test/energy_synops", "test/firing_rate"
TITLE = "breaks even at"
SYNOP = INT8.ac + INT8.byte
"""Energy of one addition with its weight, in picojoules."""


def rates(reference: str | None, lines: Sequence[Line]) -> list[list[float]]:
    """For each line and seed, return the firing rate at which the network would take as much energy as the reference row.

        rate = firing_rate * (E of the reference - E + S) / S,    S = synops * SYNOP,    0 if this is negative

    E is the energy with memory traffic on a chip with weights of 8 bits. S is that of the additions, which grow with the rate,
    if all layers fire more or less alike and the input is values. If the input is spikes, S also has their additions, which
    do not grow, and the rate is too high or too low. What remains, such as reading and writing potentials, is the same at every
    rate. The reference must be a network without spikes, whose energy no weight changes; it is the mean over the runs of the
    same scale.

    Args:
        reference: label of the row; with `None`, all lists are empty.
        lines: the lines of the table.

    Example: see `break_even`, which computes one rate.
    """
    found = []
    for line in lines:
        of = [other.values(ENERGY) for other in lines if other.row == reference and other.scale == line.scale]
        of = [value for values in of for value in values.values()]
        energy, synops, rate = (line.values(metric) for metric in (ENERGY, SYNOPS, RATE))
        seeds = [seed for seed in energy if line.row != reference and synops.get(seed) and seed in rate] if of else []
        found.append([break_even(fmean(of), energy[seed], synops[seed], rate[seed]) for seed in seeds])
    return found


def break_even(reference: float, energy: float, synops: float, rate: float) -> float:
    """Return the firing rate at which a network would take the reference's energy; energies are in microjoules.

    Example:
        >>> fixed, moved = 1.0, SYNOP * 1e6 / 1e6               # energy of a million additions
        >>> round(break_even(fixed + moved / 2, fixed + moved, synops=1e6, rate=0.1), 12)
        0.05
        >>> break_even(fixed / 2, fixed + moved, synops=1e6, rate=0.1)
        0.0
    """
    grows = SYNOP * synops / 1e6
    return max(0.0, rate * (reference - energy + grows) / grows)


def formula(reference: str) -> str:
    """Return the formula of the column, as text."""
    return (
        f"{TITLE}: the spikes per neuron and step at which the int8 energy would be that of {reference}, = firing_rate * "
        f"(E({reference}) - E + {SYNOP:g} pJ * synops)/({SYNOP:g} pJ * synops); 0: it takes more even without any spike"
    )
