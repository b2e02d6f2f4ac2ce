"""The remarks below the tables of a page, such as sources, failed runs and audits."""

from collections import Counter
from collections.abc import Sequence

from snnx.options.differences import confounds
from snnx.options.sweepfile import SweepFile
from snnx.record.audit_file import failed_checks
from snnx.report.data.again import again
from snnx.report.data.changed_rows import ChangedRows
from snnx.report.data.claim import Claim
from snnx.report.data.lines import Line, shared_overrides
from snnx.report.data.other_code import code_remarks
from snnx.report.data.run import DAMAGED, Run
from snnx.report.data.verdict import Verdict
from snnx.report.tables.tuning import edges


def notes(sweep: SweepFile, lines: Sequence[Line]) -> list[str]:
    """List what a reader has to know about the tables, such as sources, failed runs and rows with two configurations."""
    found = [f"{row.label}: source of the paper's number: {row.source}" for row in sweep.live if row.source]
    found += [f"{row.label}: {row.note}" for row in sweep.live if row.note]
    known = {row.label for row in sweep.rows}
    found += [f"scale {scale}: all runs have {further}" for scale, further in shared_overrides(lines).items()]
    found += [
        f"{name}: several configurations have this name; claims use that of the sweep file, or else of this machine"
        for name in _names_used_twice(lines)
    ]
    runs = [run for line in lines for run in line.runs]
    if 0 < (recorded := sum(not run.local for run in runs)) < len(runs):
        found.append(f"{recorded} of {len(runs)} runs come from the committed record, not from the outputs on this machine")
    found += code_remarks(sweep, runs)
    found += _mixed_data(lines)
    found += _unexplained(sweep, lines)
    rows = ChangedRows(sweep)
    for line in lines:
        found += _changed(sweep, rows, line)
        if known and line.row not in known:
            found.append(f"{line.label}: this row is no longer in the sweep file")
        found += _failed(line)
        found += _audits(line)
        found += _warnings(line)
        found += edges(line)
        for run in line.runs:
            if run.state == "unfinished":
                found.append(f"{run.title} is unfinished and not running; run the same command again to finish it")
            elif run.state == "done" and run.seed not in line.values(sweep.metric) and not _untrained(run, sweep.metric):
                found.append(f"{run.title} is done but has no finite {sweep.metric}")
    return found


def left_out(claims: Sequence[Claim], verdicts: Sequence[Verdict], lines: Sequence[Line]) -> list[str]:
    """One remark for each claim that is in no table, because its rows are done and none of them has its metric."""
    shown = {verdict.claim for verdict in verdicts}
    done = {line.row for line in lines if line.done}
    return [
        f"the claim {claim.text} on {claim.metric} is left out, because no run has {claim.metric}: "
        "measure it by metric=..., or correct its name"
        for claim in claims
        if claim not in shown and set(claim.rows) & done
    ]


def _untrained(run: Run, metric: str) -> bool:
    """Whether a run has no such metric because it was not trained; only its test metrics are expected."""
    return not metric.startswith("test/") and not run.result.get("curves")


def _mixed_data(lines: Sequence[Line]) -> list[str]:
    """One remark for each data set of which the runs of a scale have read different files, such as two copies."""
    read: dict[tuple[str, str], Counter] = {}
    for run in (run for line in lines for run in line.done):
        data = run.result.get("data") or {}
        if data.get("content"):
            read.setdefault((run.scale, data.get("name", "the data set")), Counter())[data["content"]] += 1
    return [
        f"scale {scale}: the runs have read different files of {name}, so their numbers cannot be compared: "
        + ", ".join(f"{content} in {count} run{'s' * (count > 1)}" for content, count in found.most_common())
        for (scale, name), found in read.items()
        if len(found) > 1
    ]


def _unexplained(sweep: SweepFile, lines: Sequence[Line]) -> list[str]:
    """One remark for each difference of rows, in a setting or in the network, that the sweep's factor does not explain."""
    if not sweep.factor:
        return []
    runs: dict[tuple, dict[str, dict]] = {}
    for run in (run for line in lines for run in line.done if run.result.get("physics")):
        runs.setdefault((run.scale, run.further, run.seed), {}).setdefault(run.row, run.result)
    found = []
    for (scale, further, _), rows in sorted(runs.items()):
        configs, networks = ({row: result.get(key) for row, result in rows.items()} for key in ("physics", "built"))
        where, factors = f"{scale} {further}".strip(), " and ".join(sweep.factor)
        found += [
            f"{where}: {one}, which the factor {factors} does not explain"
            for one in confounds(sweep.may_differ, configs, networks)
        ]
    return list(dict.fromkeys(found))


def _changed(sweep: SweepFile, rows: ChangedRows, line: Line) -> list[str]:
    """One remark for each setting of a row that has changed in the files since the line's runs, with their seeds."""
    changed: dict[str, list[Run]] = {}
    for run in line.done:
        for text in rows.changes(run.result):
            changed.setdefault(text, []).append(run)
    seeds = {text: ", ".join(str(run.seed) for run in ran) for text, ran in changed.items()}
    return [
        f"{line.label}, seed {seeds[text]}, {line.scale}: {text} since this run; {again(sweep, ran)}"
        for text, ran in changed.items()
    ]


def _failed(line: Line) -> list[str]:
    """One remark for each different error among the runs of a line, with the seeds that had it."""
    seeds: dict[str, list[str]] = {}
    for run in line.runs:
        if run.state in ("failed", "diverged", "no data", DAMAGED):
            seeds.setdefault(f"{run.scale} {run.state}: {run.reason}", []).append(str(run.seed))
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
    """One remark for each warning in a line's runs, with the seeds that had it."""
    seeds: dict[str, list[str]] = {}
    for run in line.done:
        for text in run.result.get("warnings") or ():
            seeds.setdefault(text, []).append(str(run.seed))
    return [f"{line.label}, seed {', '.join(ran)}, {line.scale}, warning: {text}" for text, ran in seeds.items()]


def _names_used_twice(lines: Sequence[Line]) -> list[str]:
    names = Counter((line.row, further, line.scale) for line in lines for further in line.further)
    return [" ".join(name).replace("  ", " ") for name, count in names.items() if count > 1]
