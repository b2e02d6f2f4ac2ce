"""The table of a dashboard: the state and the metrics of every run."""

import math
from collections.abc import Sequence
from html import escape

from snnx.report.board import Board
from snnx.report.data.format import decimals, duration
from snnx.report.data.run import Run
from snnx.report.figures.over_steps import PREFIX
from snnx.report.tables.costs import COLUMNS

MARKS = {
    "done": "✓", "running": "▶", "failed": "✗", "diverged": "∞", "damaged": "✗", "no data": "○", "unfinished": "‖",
    "not started": "·",
}  # fmt: skip
KNOWN = ("val/acc", "test/acc")
FIXED = (("row", "l"), ("seed", "r"), ("scale", "l"), ("status", "l"), ("time", "r"))  # columns with their alignment


def counts(board: Board) -> str:
    """How many runs are in each state, and an estimate of the time left, as one paragraph of HTML."""
    states = ["not started" if run is None else run.state for row in board.rows.values() for run in row]
    parts = [f"<b>{states.count('done')} of {len(states)} done</b>"]
    parts += [f"{states.count(state)} {state}" for state in MARKS if state != "done" and state in states]
    if (left := board.left_s) is not None:
        parts.append(f"about {duration(left)} left")
    return f'<p class="counts">scale {escape(board.scale)}: {", ".join(parts)}</p>'


def runs(boards: Sequence[Board], metrics: Sequence[str], latest: dict[str, dict[str, float]]) -> str:
    """Write the table as HTML; a click on a heading sorts it.

    Args:
        boards: the runs by scale, row and seed.
        metrics: the sweep's metric, and those that its rows report and its claims compare.
        latest: for each run without a result, by hash: the latest values of its metrics.
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
    """Choose the columns: the sweep's metrics, accuracies, costs, and each spiking metric's mean on the test set.

    Other numbers of a metric, such as accuracies after t steps, are in `result.json` only.
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
    text = f'<span class="{state.replace(" ", "-")}">{MARKS[state]} {state}</span>'
    if run is None:
        return text
    if run.progress:
        share = run.progress["done"]
        return f'{text} <progress value="{share:.4f}" aria-label="progress of the training"></progress> {share:.0%}'
    return text if run.local else f"{text} (recorded)"


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return '<td class="r">-</td>'
    return f'<td class="r" data-value="{value!r}">{value:.{decimals(value)}f}</td>'


def _time(run: Run | None, wall: float | None) -> str:
    if wall is not None:
        return duration(wall)
    left = run.progress.get("left_s") if run else None
    return "-" if left is None else f"{duration(left)} left"
