"""Where every run of a sweep is, as rows by seeds."""

import statistics
from dataclasses import dataclass

from snnx.options.sweepfile import SweepFile
from snnx.report.data.runs import Run


@dataclass(frozen=True)
class Board:
    """All runs of a sweep at one scale, as rows by seeds; `None` where nothing has been started."""

    scale: str
    seeds: tuple[int, ...]
    rows: dict[str, tuple[Run | None, ...]]

    @property
    def runs(self) -> list[Run]:
        return [run for row in self.rows.values() for run in row if run is not None]

    @property
    def left_s(self) -> float | None:
        """Seconds until all is done, if runs go on side by side as they do now; `None` while that cannot be told."""
        running = [
            run.progress["left_s"] for run in self.runs if run.state == "running" and run.progress.get("left_s") is not None
        ]
        ended = [run.result["wall_s"] for run in self.runs if run.state == "done" and run.local]
        waiting = sum(run is None or run.state == "unfinished" for row in self.rows.values() for run in row)
        if not running or (waiting and not ended):
            return None
        return max(max(running), (sum(running) + waiting * statistics.mean(ended or [0])) / len(running))


def boards(sweep: SweepFile, runs: list[Run]) -> list[Board]:
    """One board a scale and set of further overrides, with the rows and seeds that the sweep file names."""
    stated = str(sweep.body.get("hydra", {}).get("sweeper", {}).get("params", {}).get("seed", ""))
    named = [int(seed) for seed in stated.split(",") if seed.strip().isdigit()]
    found = []
    for scale, further in dict.fromkeys((run.scale, run.further) for run in runs):
        mine = [run for run in runs if (run.scale, run.further) == (scale, further)]
        seeds = tuple(sorted({*named, *(run.seed for run in mine)}))
        labels = dict.fromkeys([*(row.label for row in sweep.live), *(run.row for run in mine)])
        place = {(run.row, run.seed): run for run in mine}
        rows = {label: tuple(place.get((label, seed)) for seed in seeds) for label in labels}
        found.append(Board(scale=f"{scale}, {further}" if further else scale, seeds=seeds, rows=rows))
    return found
