"""The state of every run of a sweep, as a grid of rows and seeds."""

import statistics
from dataclasses import dataclass

from snnx.options.sweepfile import SweepFile
from snnx.report.data.run import Run


@dataclass(frozen=True)
class Board:
    """All runs of a sweep at one scale: for each row one entry per seed, `None` where the run has not been started."""

    scale: str  # with its further overrides, for example "small, timesteps=8"
    seeds: tuple[int, ...]
    rows: dict[str, tuple[Run | None, ...]]

    @property
    def runs(self) -> list[Run]:
        return [run for row in self.rows.values() for run in row if run is not None]

    @property
    def left_s(self) -> float | None:
        """Estimate the seconds until all runs are done, if as many run at a time as now.

        Returns:
            `None` if nothing runs, or if runs are waiting and none has finished yet from which to estimate their time.
        """
        runs = self.runs
        running = [run.progress["left_s"] for run in runs if run.state == "running" and run.progress.get("left_s") is not None]
        if not running:
            return None
        ended = [run.result["wall_s"] for run in runs if run.state == "done" and run.local and "wall_s" in run.result]
        waiting = sum(run is None or run.state == "unfinished" for row in self.rows.values() for run in row)
        if waiting and not ended:
            return None
        return max(max(running), (sum(running) + waiting * statistics.mean(ended or [0])) / len(running))


def boards(sweep: SweepFile, runs: list[Run]) -> list[Board]:
    """Make one board for each scale and set of further overrides that has runs.

    Args:
        sweep: its rows and seeds get a place on every board, even where no run has been started; a tuned row gets one once it
            has a run.
        runs: the runs of the sweep, see `collect`.
    """
    found = []
    for scale, further in dict.fromkeys((run.scale, run.further) for run in runs):
        selected = [run for run in runs if (run.scale, run.further) == (scale, further)]
        seeds = tuple(sorted({*sweep.seeds, *(run.seed for run in selected)}))
        ran = {run.row for run in selected}
        planned_rows = [row.label for row in sweep.measured if row.tuned_from is None or row.label in ran]
        labels = dict.fromkeys([*planned_rows, *(run.row for run in selected)])
        by_row_and_seed = {(run.row, run.seed): run for run in selected}
        rows = {label: tuple(by_row_and_seed.get((label, seed)) for seed in seeds) for label in labels}
        found.append(Board(scale=f"{scale}, {further}" if further else scale, seeds=seeds, rows=rows))
    return found
