"""Groups runs into the lines of a report's tables: each line averages runs that differ in nothing but the seed."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from snnx.record.audit_file import failed_checks
from snnx.record.chance import bound_of
from snnx.report.data.run import STATES, Run

OVERRIDE = re.compile(r"(?:\[[^\]]*\]|\{[^}]*\}|[^,])+")  # key=value; the value may be a list or mapping that contains commas
READOUT = "out"  # the place of the network's outputs in a metric's curves, besides the layers of neurons
NO_OVERRIDE = "no override"  # label of a run whose overrides are shared by all other runs


@dataclass(frozen=True)
class Line:
    """The runs of one row at one scale with the same configuration, one run per seed."""

    row: str
    label: str  # the row, the overrides that distinguish it if the row has several lines, and marks: at chance, audit failed
    scale: str  # empty if the row has no run
    runs: tuple[Run, ...]

    @property
    def done(self) -> tuple[Run, ...]:
        """The runs that ended with status done; only these are averaged."""
        return tuple(run for run in self.runs if run.state == "done")

    @property
    def further(self) -> list[str]:
        """The sets of further overrides that the runs of this line have in their names, the shortest first.

        One line can have several sets, because an override that does not change what a run computes, such as `logger=wandb`,
        does not change its group.
        """
        return sorted({run.further for run in self.runs}, key=lambda text: (len(text), text))

    @property
    def preference(self) -> tuple[bool, int, str]:
        """The rank of this line: of several lines with the same name, claims use the one with the largest rank.

        It is used if the sweep file does not decide between them. Lines with runs on this machine come before those of the
        record only, then those with more finished seeds. The time of day does not count, because clocks differ and jump.
        """
        return any(run.local for run in self.done), len(self.done), self.runs[0].group or "" if self.runs else ""

    @property
    def status(self) -> str:
        """How many runs are in each state, for example `2 done, 1 failed`."""
        count = Counter(run.state for run in self.runs)
        return ", ".join(f"{count[state]} {state}" for state in STATES if count[state]) or "missing"

    @property
    def exact(self) -> set[str]:
        """The metrics that training cannot change; all runs of a line have the same."""
        return {"parameters", *((self.done[0].result.get("exact") or ()) if self.done else ())}

    @property
    def at_chance(self) -> bool:
        """Whether the networks' mean accuracy on the test set is not above `chance_bound`.

        Networks that were not trained, and runs that do not record `c`, are not judged.
        """
        accuracies = self.values("test/acc").values()
        if not accuracies or not self.done[0].result.get("curves"):
            return False
        bound = bound_of(self.done[0].result.get("data"))
        return bound is not None and sum(accuracies) / len(accuracies) <= bound

    @property
    def failed_checks(self) -> list[str]:
        """The checks that failed in an audit of this line's runs, without `chance`, which `at_chance` marks already."""
        found = [one["check"] for run in self.done for one in failed_checks(run.result)]
        return [check for check in dict.fromkeys(found) if check != "chance"]

    def values(self, metric: str) -> dict[int, float]:
        """The metric's value for each seed; runs that are not done, and values that are not finite, are left out."""
        found = {
            run.seed: run.result.get("parameters") if metric == "parameters" else run.result["metrics"].get(metric)
            for run in self.done
        }
        return {seed: value for seed, value in sorted(found.items()) if value is not None and math.isfinite(value)}

    def layers(self, metric: str) -> dict[str, dict[int, float]]:
        """The metric's value in each layer of neurons, averaged over time steps, for each seed; the read-out is left out."""
        kind, _, curve = metric.partition("/")
        found: dict[str, dict[int, float]] = {}
        for run in sorted(self.done, key=lambda run: run.seed):
            table = ((run.result.get("layers") or {}).get(curve) or {}).get(kind) or {}
            for layer, values in table.items():
                if layer != READOUT and values and all(value is not None and math.isfinite(value) for value in values):
                    found.setdefault(layer, {})[run.seed] = statistics.fmean(values)
        return found


def lines(rows: Sequence[str], runs: Iterable[Run]) -> list[Line]:
    """Group runs by row, scale and group, in the order of the sweep's rows and with the scale `paper` first.

    A run without a result has no group yet, so it joins the line with the same row, scale and overrides. A row without runs
    gets a line with the status `missing`. Rows that are no longer in the sweep file come last. Runs without a row, such as
    those of `snnx neuron=if`, are named by their overrides, without the overrides that they all share.

    Args:
        rows: labels of the sweep's rows, in order.
        runs: the runs of the sweep, see `collect`.
    """
    runs = sorted(_move_common_overrides(runs), key=lambda run: (run.seed, run.hash))
    members: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        if run.group is not None:
            members.setdefault((run.row, run.scale, run.group), []).append(run)
    for run in runs:
        if run.group is None:
            members.setdefault(_key_of_unfinished(run, members), []).append(run)
    for row in rows:
        if not any(key[0] == row for key in members):
            members[row, "", ""] = []
    made = [(key[2], _line(key, group)) for key, group in members.items()]
    common = shared_overrides(line for _, line in made)
    found = [(group, replace(line, label=_label(line, common))) for group, line in made]
    order = {row: position for position, row in enumerate(rows)}
    found.sort(key=lambda pair: (order.get(pair[1].row, len(order)), *_sort_key(pair[1]), pair[0]))
    count = Counter((line.label, line.scale) for _, line in found)
    named = [
        replace(line, label=f"{line.label} #{group[:6]}") if count[line.label, line.scale] > 1 else line
        for group, line in found
    ]
    return [replace(line, label=f"{line.label}{_mark(line)}") for line in named]


def shared_overrides(lines: Iterable[Line]) -> dict[str, str]:
    """For each scale, the further overrides that all its runs have; they are left out of the labels.

    Example:
        >>> run = Run("LIF", 0, "small", "timesteps=8", "ab", "done", {}, True)
        >>> shared_overrides([Line("LIF", "LIF", "small", (run,)), Line("IF", "IF", "", ())])
        {'small': 'timesteps=8'}
    """
    seen: dict[str, set[str]] = {}
    for line in lines:
        seen.setdefault(line.scale, set()).add("".join(line.further[:1]))
    return {scale: further for scale, (further, *others) in seen.items() if further and not others}


def scales(lines: Iterable[Line]) -> list[str]:
    """The scales that have runs, with `paper` first."""
    return sorted({line.scale for line in lines if line.scale}, key=lambda scale: (scale != "paper", scale))


def _move_common_overrides(runs: Iterable[Run]) -> list[Run]:
    """Move the overrides that all runs without a row share from their names to their further overrides.

    Runs of the same group have the same settings, so they get one name, even if the overrides were written in another order.
    """
    runs = list(runs)
    names = {(run.scale, run.group): run.row for run in reversed(runs) if run.group is not None}
    runs = [replace(run, row=names.get((run.scale, run.group), run.row)) if "=" in run.row else run for run in runs]
    words = {run.row: dict.fromkeys(OVERRIDE.findall(run.row)) for run in runs if "=" in run.row or not run.row}
    if len(words) < 2:
        return runs
    first, *others = words.values()
    common = [word for word in first if all(word in other for other in others)]
    rest = {row: ",".join(word for word in own if word not in common) for row, own in words.items()}
    further = ",".join(common)
    return [replace(run, row=rest[run.row], further=further) if run.row in rest else run for run in runs]


def _key_of_unfinished(run: Run, members: dict[tuple[str, str, str], list[Run]]) -> tuple[str, str, str]:
    for key, group in members.items():
        if key[:2] == (run.row, run.scale) and any(run.further == other.further for other in group):
            return key
    return run.row, run.scale, run.hash


def _line(key: tuple[str, str, str], runs: list[Run]) -> Line:
    return Line(row=key[0], label=key[0], scale=key[1], runs=tuple(runs))


def _label(line: Line, common: dict[str, str]) -> str:
    own = [further for further in line.further[:1] if further != common.get(line.scale)]
    return " ".join([line.row, *own]).strip() or NO_OVERRIDE


def _mark(line: Line) -> str:
    """Return the remarks that follow the label in brackets: at chance, or failed checks of an audit."""
    audit = f" (audit failed: {', '.join(line.failed_checks)})" if line.failed_checks else ""
    return f"{' (at chance)' if line.at_chance else ''}{audit}"


def _sort_key(line: Line) -> tuple:
    return line.row, line.scale != "paper", line.scale, line.label
