"""The lines of the table: runs that differ in nothing but the seed."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from snnx.report.data.runs import STATES, Run

WORD = re.compile(r"(?:\[[^\]]*\]|\{[^}]*\}|[^,])+")  # key=value, where a list or mapping has commas of its own
AS_IT_IS = "as it is"  # the name of a single run without an override that the others lack


@dataclass(frozen=True)
class Line:
    """A row at one scale with one set of further overrides, over its seeds."""

    row: str
    label: str  # the row, and what tells it from its neighbours if it has several lines
    scale: str  # empty if the row has no run
    runs: tuple[Run, ...]

    @property
    def done(self) -> tuple[Run, ...]:
        """The runs that may be averaged."""
        return tuple(run for run in self.runs if run.state == "done")

    @property
    def further(self) -> list[str]:
        """The further overrides under which runs of this line go, the shortest first.

        There may be several: an override that changes no physics (a logger, a launcher) leaves the group as it is.
        """
        return sorted({run.further for run in self.runs}, key=lambda text: (len(text), text))

    @property
    def started(self) -> str:
        """When its last run was started, as ISO 8601; empty if no run has ended."""
        return max((run.result.get("started") or "" for run in self.runs), default="")

    @property
    def status(self) -> str:
        """How many runs are in which state: `2 done, 1 failed`."""
        count = Counter(run.state for run in self.runs)
        return ", ".join(f"{count[state]} {state}" for state in STATES if count[state]) or "missing"

    def values(self, metric: str) -> dict[int, float]:
        """The metric by seed, of the done runs that have a finite one."""
        found = {run.seed: run.result["metrics"].get(metric) for run in self.done}
        return {seed: value for seed, value in sorted(found.items()) if value is not None and math.isfinite(value)}


def lines(rows: Sequence[str], runs: Iterable[Run]) -> list[Line]:
    """Group runs by (row, scale, group), in the order of the sweep's rows and the paper's scale first.

    A run without a result has no group yet: it joins the line that goes by the same row, scale and overrides. A row
    without any run gets a line that says so; a run whose row is no longer in the sweep file comes last. What the overrides
    that name single runs have in common goes into none of their names.
    """
    runs = sorted(_factored(runs), key=lambda run: (run.seed, run.hash))
    members: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        if run.group is not None:
            members.setdefault((run.row, run.scale, run.group), []).append(run)
    for run in runs:
        if run.group is None:
            members.setdefault(_home(run, members), []).append(run)
    for row in rows:
        if not any(key[0] == row for key in members):
            members[row, "", ""] = []
    made = [(key[2], _line(key, group)) for key, group in members.items()]
    common = shared(line for _, line in made)
    found = [(group, replace(line, label=_label(line, common))) for group, line in made]
    order = {row: place for place, row in enumerate(rows)}
    found.sort(key=lambda pair: (order.get(pair[1].row, len(order)), *_place(pair[1]), pair[0]))
    count = Counter((line.label, line.scale) for _, line in found)
    return [
        replace(line, label=f"{line.label} #{group[:6]}") if count[line.label, line.scale] > 1 else line
        for group, line in found
    ]


def shared(lines: Iterable[Line]) -> dict[str, str]:
    """Scale to the further overrides under which all of its runs go: they tell no line from another.

    Example:
        >>> run = Run("LIF", 0, "small", "timesteps=8", "ab", "done", {}, True)
        >>> shared([Line("LIF", "LIF", "small", (run,)), Line("IF", "IF", "", ())])
        {'small': 'timesteps=8'}
    """
    seen: dict[str, set[str]] = {}
    for line in lines:
        seen.setdefault(line.scale, set()).add("".join(line.further[:1]))
    return {scale: further for scale, (further, *others) in seen.items() if further and not others}


def scales(lines: Iterable[Line]) -> list[str]:
    """The scales that have runs, the paper's first."""
    return sorted({line.scale for line in lines if line.scale}, key=lambda scale: (scale != "paper", scale))


def _factored(runs: Iterable[Run]) -> list[Run]:
    """Runs of no row, which their overrides name: what all of these share becomes a further override, beyond the name."""
    runs = list(runs)
    words = {run.row: dict.fromkeys(WORD.findall(run.row)) for run in runs if "=" in run.row or not run.row}
    if len(words) < 2:
        return runs
    first, *others = words.values()
    common = [word for word in first if all(word in other for other in others)]
    rest = {row: ",".join(word for word in own if word not in common) for row, own in words.items()}
    further = ",".join(common)
    return [replace(run, row=rest[run.row], further=further) if run.row in rest else run for run in runs]


def _home(run: Run, members: dict[tuple[str, str, str], list[Run]]) -> tuple[str, str, str]:
    for key, group in members.items():
        if key[:2] == (run.row, run.scale) and any(run.further == other.further for other in group):
            return key
    return run.row, run.scale, run.hash


def _line(key: tuple[str, str, str], runs: list[Run]) -> Line:
    return Line(row=key[0], label=key[0], scale=key[1], runs=tuple(runs))


def _label(line: Line, common: dict[str, str]) -> str:
    own = [further for further in line.further[:1] if further != common.get(line.scale)]
    return " ".join([line.row, *own]).strip() or AS_IT_IS


def _place(line: Line) -> tuple:
    return line.row, line.scale != "paper", line.scale, line.label
