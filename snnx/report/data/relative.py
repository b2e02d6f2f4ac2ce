"""Energies that follow from latency and spikes: relative to a row of the same page, and to the paper's network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from snnx.energy.chips import RATE_SPIKES, RATE_STEPS, SHARES, relative_energy
from snnx.report.data.lines import Line
from snnx.report.data.run import Run

STEPS, SPIKES = "test/latency_steps", "test/spikes_in_total"
RELATIVE = {f"test/relative_{chip}": chip for chip in SHARES}
"""Metrics relative to the reference row, with their chips."""
TO_PAPER = {f"test/energy_{chip}": chip for chip in SHARES}
"""Metrics relative to the paper's rate-coded network, with their chips."""


def with_relative_energies(reference: str | None, lines: Sequence[Line]) -> list[Line]:
    """Add the energies to the runs of a sweep that names a reference row; nothing is added to others.

        relative_chip = E_static * latency/latency of the reference + E_dynamic * spikes/spikes of the reference
        energy_chip   = the same with the paper's 512 steps and 2.612 million spikes, if the run has not recorded it

    The reference of a run is the run of the reference row with the same seed, scale and further overrides. Without it, a run
    has no relative energy.

    Args:
        reference: label of the row.
        lines: the lines of the table, see `lines`.
    """
    if reference is None:
        return list(lines)
    known = {_place(run): run.result["metrics"] for line in lines for run in line.done if line.row == reference}
    return [replace(line, runs=tuple(_added(run, known) for run in line.runs)) for line in lines]


def formula(reference: str | None, metric: str) -> tuple[str, ...]:
    """Return the formula of a metric that is added here, as the only line below its table; none for other metrics.

    Example:
        >>> formula("Rate", "test/relative_truenorth")
        ('test/relative_truenorth = 0.6 * latency_steps/(that of Rate) + 0.4 * spikes_in_total/(those of Rate), same seed',)
    """
    if reference is None or metric not in RELATIVE | TO_PAPER:
        return ()
    static, dynamic = SHARES[(RELATIVE | TO_PAPER)[metric]]
    of_steps, of_spikes, seed = f"(that of {reference})", f"(those of {reference})", ", same seed"
    if metric in TO_PAPER:
        of_steps, of_spikes, seed = str(RATE_STEPS), f"{RATE_SPIKES:g}", ""
    return (f"{metric} = {static} * latency_steps/{of_steps} + {dynamic} * spikes_in_total/{of_spikes}{seed}",)


def _place(run: Run) -> tuple:
    return run.seed, run.scale, run.further


def _added(run: Run, known: Mapping[tuple, Mapping[str, float]]) -> Run:
    found = run.result.get("metrics") or {}
    if run.state != "done" or STEPS not in found or SPIKES not in found:
        return run
    steps, spikes, of = found[STEPS], found[SPIKES], known.get(_place(run), {})
    added = {metric: relative_energy(steps, spikes, chip) for metric, chip in TO_PAPER.items()}
    if of.get(STEPS) and of.get(SPIKES):
        pairs = {"of_steps": of[STEPS], "of_spikes": of[SPIKES]}
        added |= {metric: relative_energy(steps, spikes, chip, **pairs) for metric, chip in RELATIVE.items()}
    return replace(run, result=run.result | {"metrics": added | found})
