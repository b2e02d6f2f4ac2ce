"""Finds results whose code has changed since they were computed."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from snnx.options.places import component_folders
from snnx.options.sweepfile import SweepFile
from snnx.record import provenance
from snnx.record.changed_code import changed_code
from snnx.record.confirmed import OTHER, code_state
from snnx.record.identity import leaves
from snnx.record.inputs import inputs
from snnx.record.source import SNNX, sources
from snnx.report.data.again import again
from snnx.report.data.run import Run


class OtherCode:
    """Tells whether a result was computed by other code than the present, and not confirmed by it."""

    def __init__(self) -> None:
        self._packages = SNNX | component_folders()
        self._targets: dict[str | None, tuple[str, ...]] = {}  # components of each group, whose runs differ in the seed only
        self._states: dict[tuple, str] = {}  # computed once for all runs with the same components, because it takes 10 ms

    def versions(self, runs: Iterable[Run]) -> int:
        """Return how many versions of the code computed these runs; what the present code has confirmed counts as its own."""
        known = [run for run in runs if run.result.get("code")]
        return len({run.result["code"] if self.is_other(run) else None for run in known})

    def is_other(self, run: Run) -> bool:
        """Whether other code computed a run; `False` for a run that did not record its settings."""
        result = run.result
        if not result.get("physics"):
            return False
        if (group := result.get("group")) not in self._targets:
            self._targets[group] = _targets(result["physics"])
        key = (result.get("code"), (result.get("confirmed") or {}).get("code"), self._targets[group])
        if key not in self._states:
            self._states[key] = code_state(result, self._packages)
        return self._states[key] == OTHER

    def changes(self, run: Run) -> str | None:
        """Say which files have changed since a run of this machine, as `changed_code` does; `None` if that is not known."""
        try:
            made = inputs(Path(run.folder)) if run.folder else None
        except ValueError as error:  # the file is damaged
            return str(error)
        if made is None:
            return None
        return changed_code(made["code"], sources(run.result["physics"], self._packages), self._packages)


def code_remarks(sweep: SweepFile, runs: Sequence[Run]) -> list[str]:
    """Say how many results were computed by other code than the present, separately for this machine's and for the record's.

    Recorded results that `snnx replay` has confirmed with the present code do not count.
    """
    local, recorded = ([run for run in runs if run.state == "done" and run.local == here] for here in (True, False))
    found, other_code = [], OtherCode()
    if other := list(filter(other_code.is_other, local)):
        first = other_code.changes(other[0])  # others may be out of date because of other files
        which = "the first because" if first and len(other) > 1 else "because"
        why = f"{which} {first or 'code has changed'}"
        found.append(f"{len(other)} of {len(local)} results are out of date, {why}; {again(sweep, other)}")
    if count := sum(map(other_code.is_other, recorded)):
        commit = (provenance.git() or {}).get("commit")
        ours = f"that of commit {commit}" if commit else "the present code"
        found.append(
            f"{count} of {len(recorded)} recorded results come from other code than {ours}, and are not confirmed by it; "
            f"compare them with it: snnx replay {sweep.name}"
        )
    return found


def _targets(physics: dict) -> tuple[str, ...]:
    return tuple(sorted({str(value) for key, value in leaves(physics) if key.endswith("_target_")}))
