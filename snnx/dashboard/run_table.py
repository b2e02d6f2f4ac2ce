"""The table of a dashboard: every row and seed with where it is and what it has come to."""

import math
from collections.abc import Sequence
from html import escape

from snnx.report.board import Board
from snnx.report.data.format import decimals, duration
from snnx.report.data.runs import Run
from snnx.report.figures.anytime import PREFIX
from snnx.report.tables.costs import COLUMNS

MARKS = {
    "done": "✓", "running": "▶", "failed": "✗", "diverged": "∞", "no data": "○", "unfinished": "‖", "not started": "·",
}  # fmt: skip
KNOWN = ("val/acc", "test/acc")
FIXED = (("row", "l"), ("seed", "r"), ("scale", "l"), ("status", "l"), ("time", "r"))  # columns, and their sides


def counts(board: Board) -> str:
    """How far the sweep is, in a line of HTML."""
    places = [run for row in board.rows.values() for run in row]
    states = ["not started" if run is None else run.state for run in places]
    told = [f"<b>{states.count('done')} of {len(states)} done</b>"]
    told += [f"{states.count(state)} {state}" for state in MARKS if state != "done" and state in states]
    if (left := board.left_s) is not None:
        told.append(f"about {duration(left)} left")
    return f'<p class="counts">scale {escape(board.scale)}: {", ".join(told)}</p>'


def runs(boards: Sequence[Board], metrics: Sequence[str], latest: dict[str, dict[str, float]]) -> str:
    """The table; its head sorts.

    Args:
        boards: the runs by scale, row and seed.
        metrics: the sweep's, and those that its rows report and its claims speak of.
        latest: by hash, the newest values of runs that have no result yet.
    """
    values = {run.hash: {**latest.get(run.hash, {}), **(run.result.get("metrics") or {})} for b in boards for run in b.runs}
    probed = {f"test/{name}" for b in boards for run in b.runs for name in run.result.get("layers") or {}}
    columns = _columns(metrics, probed, values)
    head = "".join(
        f'<th class="{side}" aria-sort="none"><button type="button">{escape(title)}</button></th>'
        for title, side in [*FIXED, *((column, "r") for column in columns)]
    )
    body = [
        _row(label, seed, board.scale, run, [values[run.hash].get(column) if run else None for column in columns])
        for board in boards
        for label, row in board.rows.items()
        for seed, run in zip(board.seeds, row, strict=True)
    ]
    return f'<div class="wide"><table class="runs"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _columns(metrics: Sequence[str], probed: set[str], values: dict[str, dict[str, float]]) -> list[str]:
    """What the sweep speaks of, the accuracies, what they cost, and what each probed metric comes to on the test set.

    Numbers that a metric gives beside that, and curves over a run's steps at each mark, are in `result.json`.
    """
    have = dict.fromkeys(name for run in values.values() for name, value in run.items() if value is not None)
    costs = [name for names in COLUMNS.values() for name in names]
    spiking = [name for name in have if name in probed and not name.startswith(f"test/{PREFIX}")]
    return [name for name in dict.fromkeys([metrics[0], *KNOWN, *metrics, *costs, *spiking]) if name in have]


def _row(label: str, seed: int, scale: str, run: Run | None, values: Sequence[float | None]) -> str:
    wall = None if run is None else run.result.get("wall_s")
    cells = [
        f'<th scope="row">{escape(label)}</th>',
        f'<td class="r" data-value="{seed}">{seed}</td>',
        f"<td>{escape(scale)}</td>",
        f"<td>{_status(run)}</td>",
        f'<td class="r"{f" data-value={wall:g}" if wall is not None else ""}>{_time(run, wall)}</td>',
        *(_number(value) for value in values),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _status(run: Run | None) -> str:
    state = "not started" if run is None else run.state
    said = f'<span class="{state.replace(" ", "-")}">{MARKS[state]} {state}</span>'
    if run is None:
        return said
    if run.progress:
        share = run.progress["done"]
        return f'{said} <progress value="{share:.4f}" aria-label="share of the training"></progress> {share:.0%}'
    return said if run.local else f"{said} (recorded)"


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return '<td class="r">-</td>'
    return f'<td class="r" data-value="{value!r}">{value:.{decimals(value)}f}</td>'


def _time(run: Run | None, wall: float | None) -> str:
    if wall is not None:
        return duration(wall)
    left = run.progress.get("left_s") if run else None
    return "-" if left is None else f"{duration(left)} left"
