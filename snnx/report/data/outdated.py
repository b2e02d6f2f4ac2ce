"""Which results were computed by code that has changed since."""

from collections.abc import Sequence

from snnx.options.places import component_folders
from snnx.record import provenance
from snnx.record.confirmed import OTHER, code_state
from snnx.record.identity import leaves
from snnx.record.source import SNNX
from snnx.report.data.run import Run


def outdated(runs: Sequence[Run]) -> list[str]:
    """Say how many results were computed by other code than the present, separately for this machine's and for the record's.

    Recorded results that `snnx replay` has confirmed with the present code do not count.
    """
    local, recorded = ([run for run in runs if run.state == "done" and run.local == here] for here in (True, False))
    found = []
    if count := _by_other_code(local):
        again = "repeat their commands" if all(run.result.get("sweep") is None for run in local) else "run the sweep again"
        found.append(f"{count} of {len(local)} results are out of date, because code has changed; {again}")
    if count := _by_other_code(recorded):
        commit = (provenance.git() or {}).get("commit")
        ours = f"that of commit {commit}" if commit else "the present code"
        found.append(
            f"{count} of {len(recorded)} recorded results come from other code than {ours}, and are not confirmed by it"
        )
    return found


def _by_other_code(runs: Sequence[Run]) -> int:
    packages = SNNX | component_folders()
    targets: dict[str | None, tuple[str, ...]] = {}  # of each group; its runs differ in the seed only
    states: dict[tuple, str] = {}  # computed once for all runs with the same components, because it takes 10 ms
    count = 0
    for result in (run.result for run in runs if run.result.get("physics")):
        if (group := result.get("group")) not in targets:
            targets[group] = _targets(result["physics"])
        key = (result.get("code"), (result.get("confirmed") or {}).get("code"), targets[group])
        if key not in states:
            states[key] = code_state(result, packages)
        count += states[key] == OTHER
    return count


def _targets(physics: dict) -> tuple[str, ...]:
    return tuple(sorted({str(value) for key, value in leaves(physics) if key.endswith("_target_")}))
