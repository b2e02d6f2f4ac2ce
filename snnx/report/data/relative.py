"""Computes energies from latency and spikes, relative to a row of the same page and to the paper's network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from snnx.energy.chips import RATE_SPIKES, RATE_STEPS, SHARES, relative_energy
from snnx.report.data.lines import Line
from snnx.report.data.run import Run

STEPS, SPIKES = "test/latency_steps", "test/spikes_in_total"
RELATIVE = {f"test/relative_{chip}": chip for chip in SHARES}
"""Metrics relative to the reference row, with their chips."""
TO_PAPER = {f"test/relative_to_paper_{chip}": chip for chip in SHARES}
"""Metrics relative to the paper's rate-coded network, with their chips."""


def with_relative_energies(reference: str | None, lines: Sequence[Line]) -> list[Line]:
    """Add the energies to the runs of a sweep that names a reference row; nothing is added to others.

        relative_chip          = E_static * latency/latency of the reference + E_dynamic * spikes/spikes of the reference
        relative_to_paper_chip = E_static * latency/512 steps + E_dynamic * spikes/2.612 million

    Latency and spikes of the reference are those of the reference row's run with the same scale, further overrides and seed:
    where both rows convert the network that this seed trains, the network is the same. Without a run of this seed, they are the
    means over its other seeds; without any run, there is no `relative_chip`. For every row, latency and spikes are
    `test/latency_steps` and `test/spikes_in_total`. `test/energy_chip`, which a run measures itself from all of its steps and
    spikes, is not changed.

    Args:
        reference: label of the row.
        lines: the lines of the table, see `lines`.
    """
    if reference is None:
        return list(lines)
    places: dict[tuple, list[Run]] = {}
    for run in (run for line in lines if line.row == reference for run in line.done):
        if None not in _measured(run):
            places.setdefault((*_place(run), run.seed), []).append(run)
            places.setdefault(_place(run), []).append(run)
    known = {place: tuple(map(fmean, zip(*map(_measured, runs), strict=True))) for place, runs in places.items()}
    return [replace(line, runs=tuple(_added(run, known) for run in line.runs)) for line in lines]


def formula(reference: str | None, metric: str) -> tuple[str, ...]:
    """Return the formula of a metric that is added here, as the only line below its table; none for other metrics.

    Example:
        >>> formula("B", "test/relative_truenorth")
        ('test/relative_truenorth = 0.6 * latency_steps/(that of B) + 0.4 * spikes_in_total/(that of B), of the same seed',)
    """
    if reference is None or metric not in RELATIVE | TO_PAPER:
        return ()
    static, dynamic = SHARES[(RELATIVE | TO_PAPER)[metric]]
    of_steps, of_spikes, of = f"(that of {reference})", f"(that of {reference})", ", of the same seed"
    if metric in TO_PAPER:
        of_steps, of_spikes, of = str(RATE_STEPS), f"{RATE_SPIKES:g}", ""
    return (f"{metric} = {static} * latency_steps/{of_steps} + {dynamic} * spikes_in_total/{of_spikes}{of}",)


def _place(run: Run) -> tuple:
    return run.scale, run.further


def _measured(run: Run) -> tuple[float | None, float | None]:
    """Return the latency and the spikes of a run; `None` for what it has not measured."""
    metrics = run.result.get("metrics") or {}
    return metrics.get(STEPS), metrics.get(SPIKES)


def _added(run: Run, known: Mapping[tuple, tuple[float, float]]) -> Run:
    steps, spikes = _measured(run)
    if run.state != "done" or None in (steps, spikes):
        return run
    of_steps, of_spikes = known.get((*_place(run), run.seed)) or known.get(_place(run), (0.0, 0.0))
    added = {metric: relative_energy(steps, spikes, chip) for metric, chip in TO_PAPER.items()}
    if of_steps and of_spikes:
        pair = {"of_steps": of_steps, "of_spikes": of_spikes}
        added |= {metric: relative_energy(steps, spikes, chip, **pair) for metric, chip in RELATIVE.items()}
    return replace(run, result=run.result | {"metrics": run.result["metrics"] | added})
