"""The remarks below the tables (sources, failed runs) and the provenance of the runs."""

from collections import Counter
from collections.abc import Iterable, Sequence

from snnx.options.places import component_folders
from snnx.options.sweepfile import SweepFile
from snnx.record.audit_file import failed_checks
from snnx.record.confirmed import OTHER, code_state
from snnx.record.identity import leaves
from snnx.record.source import SNNX
from snnx.report.data.format import duration
from snnx.report.data.lines import Line, shared_overrides
from snnx.report.data.runs import STATES, Run


def notes(sweep: SweepFile, lines: Sequence[Line]) -> list[str]:
    """List what a reader has to know about the tables, such as sources, failed runs and rows with two configurations."""
    found = [f"{row.label}: source of the paper's number: {row.source}" for row in sweep.live if row.source]
    found += [f"{row.label}: {row.note}" for row in sweep.live if row.note]
    known = {row.label for row in sweep.rows}
    found += [f"scale {scale}: all runs have {further}" for scale, further in shared_overrides(lines).items()]
    found += [
        f"{name}: several configurations have this name; claims use the one that was started last"
        for name in _names_used_twice(lines)
    ]
    runs = [run for line in lines for run in line.runs]
    if 0 < (recorded := sum(not run.local for run in runs)) < len(runs):
        found.append(f"{recorded} of {len(runs)} runs come from the committed record, not from the outputs on this machine")
    found += [stale] if (stale := outdated(runs)) else []
    for line in lines:
        if known and line.row not in known:
            found.append(f"{line.label}: this row is no longer in the sweep file")
        found += _failed(line)
        found += _audits(line)
        found += _warnings(line)
        for run in line.runs:
            if run.state == "unfinished":
                found.append(f"{run_title(run)} is unfinished and not running; run the same command again to finish it")
            elif run.state == "done" and run.seed not in line.values(sweep.metric) and not _untrained(run, sweep.metric):
                found.append(f"{run_title(run)} is done but has no finite {sweep.metric}")
    return found


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


def _untrained(run: Run, metric: str) -> bool:
    """Whether a run has no such metric because it was not trained; only its test metrics are expected."""
    return not metric.startswith("test/") and not run.result.get("curves")


def _failed(line: Line) -> list[str]:
    """One remark for each different error among the runs of a line, with the seeds that had it."""
    seeds: dict[str, list[str]] = {}
    for run in line.runs:
        if run.state in ("failed", "diverged", "no data"):
            seeds.setdefault(f"{run.scale} {run.state}: {reason(run)}", []).append(str(run.seed))
    return [f"{line.label}, seed {', '.join(ran)}, {text}" for text, ran in seeds.items()]


def _audits(line: Line) -> list[str]:
    """One remark for each failed check of an audit, with the seeds that failed it and what was found for the first of them."""
    failed: dict[str, list[tuple[int, str]]] = {}
    for run in line.done:
        for one in failed_checks(run.result):
            failed.setdefault(one["check"], []).append((run.seed, one["text"]))
    return [
        f"{line.label}, seed {', '.join(str(seed) for seed, _ in found)}, {line.scale} failed the audit's check {check}: "
        f"{found[0][1]}"
        for check, found in failed.items()
    ]


def _warnings(line: Line) -> list[str]:
    """One remark for each warning during the training of a line's runs, with the seeds that had it."""
    seeds: dict[str, list[str]] = {}
    for run in line.done:
        for text in run.result.get("warnings") or ():
            seeds.setdefault(text, []).append(str(run.seed))
    return [f"{line.label}, seed {', '.join(ran)}, {line.scale}, warning in training: {text}" for text, ran in seeds.items()]


def _names_used_twice(lines: Sequence[Line]) -> list[str]:
    names = Counter((line.row, further, line.scale) for line in lines for further in line.further)
    return [" ".join(name).replace("  ", " ") for name, count in names.items() if count > 1]


def run_title(run: Run) -> str:
    """Name a run by its row, overrides, seed and scale: `PLIF, seed 0, small`."""
    row = f"{run.row} {run.further}".strip()
    return f"{row}, seed {run.seed}, {run.scale}"


def reason(run: Run) -> str:
    """The type and message of a run's error, in one line."""
    error = run.result.get("error") or {}
    message = " ".join(str(error.get("message", "")).split())
    if error.get("type") in ("NoData", "Diverged"):  # the run's state already says the type
        return message
    return f"{error.get('type', 'no reason recorded')}: {message}" if message else error.get("type", "no reason recorded")


def provenance(runs: Iterable[Run]) -> list[tuple[str, str]]:
    """List how the runs were made, so that they can be judged and repeated.

    Returns:
        Pairs of a name and a value, such as `("wall time", "2 min 0 s in total, 59 s to 1 min 1 s per run")`.
    """
    ended = [run for run in runs if run.terminal]
    results = [run.result for run in ended]
    count = Counter(run.state for run in ended)
    walls = [result["wall_s"] for result in results if result.get("wall_s") is not None]
    facts = [("runs", ", ".join(f"{count[state]} {state}" for state in STATES if count[state]))]
    facts += [("command", command) for command in _distinct(result.get("command") for result in results)]
    if walls:
        each = f"{duration(min(walls))} to {duration(max(walls))} per run"
        facts.append(("wall time", f"{duration(sum(walls))} in total, {each}"))
    facts += [("machine", device) for device in _distinct(result.get("device") for result in results)]
    facts += [("versions", text) for text in _distinct(_pairs(result.get("versions")) for result in results)]
    facts += [("commit", text) for text in _distinct(_commit(result.get("git")) for result in results)]
    facts += [("code", text)] if (text := _code(results)) else []
    facts += [("data", text) for text in _distinct(_data(result.get("data")) for result in results)]
    samples = _distinct(_pairs(result.get("samples")) for result in results)
    facts += [("samples shown", "; ".join(samples))] if samples else []
    facts += [("scale", text) for text in _distinct(_scale(result) for result in results)]
    facts += [("parameters", text) for text in _parameters(ended) if text]
    started = sorted(_distinct(result.get("started") for result in results))
    return facts + ([("started", " to ".join(_distinct([started[0], started[-1]])))] if started else [])


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _pairs(named: dict | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (named or {}).items())


def _commit(git: dict | None) -> str:
    """Name the commit of snnx and that of the project that the run belongs to, as far as they are known."""
    known = [git["commit"] + (" with uncommitted changes" if git.get("dirty") else "")] if git and git.get("commit") else []
    if git and (project := _commit(git.get("project"))):
        known.append(f"of the project: {project}")
    return "; ".join(known)


def _code(results: Sequence[dict]) -> str:
    """How many runs were computed, or confirmed with `snnx replay`, by the present code."""
    packages = SNNX | component_folders()
    states = Counter(code_state(result, packages) for result in results if result.get("physics"))
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _data(data: dict | None) -> str:
    if not data:
        return ""
    counts = [f"{data[split]} {split}" for split in ("train", "val", "test") if data.get(split) is not None]
    counts += [f"{sum(data['skipped'].values())} skipped as damaged"] if data.get("skipped") else []
    return f"{' '.join(filter(None, (data.get('name'), data.get('variant'))))}: {', '.join(counts)}"


def _scale(result: dict) -> str:
    budget = ", ".join(f"{value:g} of the {name}" for name, value in (result.get("budget") or {}).items())
    return f"{result.get('scale')}: {budget}" if budget else ""


def _parameters(runs: Sequence[Run]) -> list[str]:
    """One number if all rows have the same number of parameters, otherwise the number of each row."""
    counts = {(run.row, run.scale): run.result["parameters"] for run in runs if run.result.get("parameters")}
    if len(set(counts.values())) == 1:
        return [f"{next(iter(counts.values())):,}"]
    return ["; ".join(f"{row} at {scale}: {count:,}" for (row, scale), count in counts.items())]
