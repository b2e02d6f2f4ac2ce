"""Finds runs whose settings differ from those that the files of options and sweeps now state."""

from collections.abc import Iterable, Mapping

from snnx.options.stated import Stated
from snnx.options.sweepfile import SweepFile
from snnx.record.identity import leaves
from snnx.report.data.run import Run


class ChangedRows:
    """Compares runs with what the files now state for their rows, without Hydra.

    Args:
        sweep: the sweep file of the runs.

    Example:
        >>> from snnx.options.sweepfile import sweep_named
        >>> rows = ChangedRows(sweep_named("single"))
        >>> plif = {"neuron": {"_target_": "snnx.neuron.plif.PLIF", "tau": 3.0, "v_threshold": 0.5}}
        >>> rows.changes({"physics": plif, "overrides": ["neuron=plif", "neuron.tau=3"]})
        ['neuron.v_threshold: 0.5 → 1.0']
        >>> rows.changes({"physics": plif, "overrides": []})
        ['neuron: snnx.neuron.plif.PLIF → snnx.neuron.lif.LIF']
    """

    def __init__(self, sweep: SweepFile) -> None:
        self._rows = {row.label: row.overrides for row in sweep.measured}
        self._of_a_sweep = bool(sweep.body)
        self._stated = Stated(sweep.body)
        self._values: dict[tuple, dict[str, object]] = {}  # shared by the seeds of a row

    def changes(self, result: Mapping) -> list[str]:
        """List the settings in which a run differs from what the files now state, as `neuron.tau: 2.0 → 4.0`.

        Three kinds of settings are not compared: those of the run's command line, those outside a run's identity, such as
        `logger`, and those that were added after the run. A component that is replaced is named without its settings.

        Args:
            result: the run's result; one without `physics`, or of a row that the sweep file no longer has, gives nothing.
        """
        row = self._rows.get(result.get("row")) if self._of_a_sweep else ()
        if row is None or not result.get("physics"):
            return []
        words = tuple(word for word in result.get("overrides") or () if not word.startswith("seed="))
        if (row, words) not in self._values:
            self._values[row, words] = self._stated.values(row, words)
        had = dict(leaves(result["physics"]))
        found, replaced = [], []
        for key, new in self._values[row, words].items():
            if key in had and not any(key.startswith(group) for group in replaced) and _plain(had[key]) != _plain(new):
                found.append(f"{key.removesuffix('._target_')}: {had[key]} → {new}")
                replaced += [key.removesuffix("_target_")] * key.endswith("._target_")
        return found

    def remarks(self, runs: Iterable[Run]) -> list[str]:
        """Say in one line how many of the done runs had other settings, with the first of these; nothing if none had."""
        done = [run for run in runs if run.state == "done"]
        found = {run.title: texts for run in done if (texts := self.changes(run.result))}
        if not found:
            return []
        title, (text, *_) = next(iter(found.items()))
        again = "run the sweep again" if self._of_a_sweep else "repeat their commands"
        return [f"{len(found)} of {len(done)} results have other settings than the files now give, as {title}: {text}; {again}"]


def _plain(value: object) -> object:
    """Return a value with whole numbers as floats, also in lists, so that 4 and 4.0 have the same text."""
    return [_plain(item) for item in value] if isinstance(value, list) else float(value) if type(value) is int else value
