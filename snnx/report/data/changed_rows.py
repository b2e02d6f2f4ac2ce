"""Finds runs whose settings are no longer those of the files of options and sweeps."""

from collections.abc import Iterable, Mapping

from snnx.options.stated import Settings, Stated
from snnx.options.sweepfile import SweepFile
from snnx.record.identity import leaves, physics
from snnx.report.data.again import again
from snnx.report.data.run import Run

ABSENT = "null"


class ChangedRows:
    """Compares the settings of runs with those that the files give their rows today, without Hydra.

    Args:
        sweep: the sweep file of the runs.

    Example:
        >>> from snnx.options.sweepfile import sweep_named
        >>> rows = ChangedRows(sweep_named("single"))
        >>> plif = {"neuron": {"_target_": "snnx.neuron.plif.PLIF", "tau": 3.0, "v_threshold": 0.5}}
        >>> [text for text in rows.changes({"physics": plif, "overrides": ["neuron=plif", "neuron.tau=3"]}) if "thresh" in text]
        ['neuron.v_threshold: 0.5 → 1.0']
        >>> [text for text in rows.changes({"physics": plif, "overrides": []}) if text.startswith("neuron")]
        ['neuron: snnx.neuron.plif.PLIF → snnx.neuron.lif.LIF']
    """

    def __init__(self, sweep: SweepFile) -> None:
        self._sweep = sweep
        self._rows = {row.label: row.overrides for row in sweep.measured}
        self._of_a_sweep = bool(sweep.body)
        self._name = sweep.name if self._of_a_sweep else None  # as the results of its runs have it
        self._stated = Stated(sweep.body)
        self._settings: dict[tuple, tuple[Settings, dict[str, object]]] = {}  # shared by the seeds of a row
        # the settings of a row's last run and their differences, which its other seeds share
        self._last: dict[tuple, tuple[dict, list[str]]] = {}
        # by the id of a result; the result is stored too, since Python gives the id of a freed object to another one
        self._found: dict[int, tuple[Mapping, list[str]]] = {}

    def changes(self, result: Mapping) -> list[str]:
        """List the settings in which a run differs from what the files say now, as `neuron.tau: 2.0 → 4.0`.

        Not compared are settings of the run's command line, those that are not part of a run's identity, such as `logger`, and
        those that only Hydra can read. A component that was replaced is named without its settings.

        Args:
            result: the run's result. One without `physics`, of a row that the sweep file no longer has, or of a run that
                another sweep computed and this one shares, gives an empty list. Of the latter, `overrides` are the words of the
                other sweep.
        """
        if id(result) not in self._found:
            self._found[id(result)] = result, self._compared(result)
        return self._found[id(result)][1]

    def _compared(self, result: Mapping) -> list[str]:
        row = self._rows.get(result.get("row")) if self._of_a_sweep else ()
        ours = result.get("sweep", self._name) == self._name
        if row is None or not ours or not result.get("physics"):
            return []
        words = tuple(word for word in result.get("overrides") or () if not word.startswith("seed="))
        had = {**result["physics"], "seed": None}  # which is not compared
        if (row, words) in self._last and self._last[row, words][0] == had:
            return self._last[row, words][1]
        self._last[row, words] = had, self._differences(row, words, had)
        return self._last[row, words][1]

    def _differences(self, row: tuple[str, ...], words: tuple[str, ...], had: Mapping) -> list[str]:
        if (row, words) not in self._settings:
            stated = self._stated.settings(row, words)
            self._settings[row, words] = stated, dict(leaves(physics(_nested(stated.values))))
        stated, now = self._settings[row, words]
        whole, had = "method" in had, dict(leaves(had))  # every run has a method
        found: dict[str, str] = {}
        keys = {**now, **had} if whole else set(now) & set(had)
        for key in (key for key in keys if _or_none(now.get(key)) != _or_none(had.get(key))):
            group = key.partition(".")[0]
            known = key in stated.values or group in stated.groups
            if known and not any(_is_below(key, other) or _is_below(other, key) for other in stated.unknown):
                found[key] = f"{had.get(key, ABSENT)} → {now.get(key, ABSENT)}"
        replaced = [key.removesuffix("_target_") for key in found if key.endswith("._target_")]
        return [
            f"{key.removesuffix('._target_')}: {change}"
            for key, change in found.items()
            if key.endswith("._target_") or not any(key.startswith(component) for component in replaced)
        ]

    def remarks(self, runs: Iterable[Run]) -> list[str]:
        """Say in one line how many of the done runs had other settings, with the first of these; nothing if none had."""
        done = [run for run in runs if run.state == "done"]
        found = [run for run in done if self.changes(run.result)]
        if not found:
            return []
        first = f"{found[0].title}: {self.changes(found[0].result)[0]}"
        return [
            f"{len(found)} of {len(done)} results have other settings than the files now give, as {first}; "
            f"{again(self._sweep, found)}"
        ]


def _or_none(value: object) -> object:
    """Return `None` for an empty mapping, because a group without options, such as `metric`, is written in both ways."""
    return None if value == {} else value


def _nested(values: Mapping[str, object]) -> dict:
    """Return the mapping of mappings in which each value is at its dotted key."""
    found: dict = {}
    for key, value in values.items():
        *above, last = key.split(".")
        inner = found
        for part in above:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[last] = value
    return found


def _is_below(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.")
