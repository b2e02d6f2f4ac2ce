"""Which results were computed by code that has changed since."""

from collections.abc import Sequence

from snnx.options.places import component_folders
from snnx.record.confirmed import OTHER, code_state
from snnx.record.identity import leaves
from snnx.record.source import SNNX
from snnx.report.data.runs import Run


def outdated(runs: Sequence[Run]) -> str:
    """Say how many results of this machine were computed by code that has changed since; empty if there are none."""
    packages = SNNX | component_folders()
    results = [run.result for run in runs if run.local and run.state == "done" and run.result.get("physics")]
    states: dict[tuple, str] = {}  # runs of the same components share one answer, which takes 10 ms to find
    count = 0
    for result in results:
        targets = {str(value) for key, value in leaves(result["physics"]) if key.endswith("_target_")}
        key = (result.get("code"), (result.get("confirmed") or {}).get("code"), *sorted(targets))
        if key not in states:
            states[key] = code_state(result, packages)
        count += states[key] == OTHER
    return f"{count} of {len(results)} results are out of date, because code has changed; run the sweep again" if count else ""
