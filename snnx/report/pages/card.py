"""The reproducibility card of a sweep: answers from the record to the questions of a reviewer's checklist."""

from collections import Counter
from collections.abc import Iterable

from snnx.report.data.format import duration
from snnx.report.data.lines import Line
from snnx.report.data.run import Run
from snnx.report.results import Results
from snnx.report.tables.text import escaped
from snnx.report.tables.tuning import searched


def document(results: Results) -> str:
    """Write the card as Markdown: one line for each question and its answer."""
    done = [run for run in results.runs if run.state == "done"]
    answers = [
        ("Claims", claims(results)),
        ("Data", "; ".join(_distinct(_data(run) for run in done))),
        ("Splits", "; ".join(_distinct(_splits(run) for run in done))),
        (
            "Selection",
            "numbers are of the last epoch; the epoch with the best validation accuracy was tested as well",
        ),
        ("Tuning", "; ".join(_distinct(_search(line) for line in results.lines))),
        ("Seeds", seeds(results)),
        ("Test samples", f"{'all' if _all_have_bits(done) else 'not all'} runs record which samples were correct"),
        ("Networks", "; ".join(_distinct(_size(run) for run in done))),
        ("Compute", compute(done)),
        ("Failures", failures(results.runs)),
    ]
    made = [
        f"- {what}: {escaped(value)}" for what, value in results.provenance if what in ("command", "versions", "commit", "code")
    ]
    lines = [f"- **{question}**: {escaped(answer)}" for question, answer in answers if answer]
    return "\n".join([f"# {escaped(results.heading)}", "", *lines, "", "How the runs were made:", "", *made]) + "\n"


def claims(results: Results) -> str:
    """Count the verdicts: `1 holds, 2 undecided of 3; rule: …`."""
    count = Counter(verdict.outcome for verdict in results.verdicts)
    return ", ".join(f"{number} {outcome}" for outcome, number in count.items())


def seeds(results: Results) -> str:
    """Say how many seeds the rows have: `3 for each row`, or by row where they differ."""
    count = {f"{line.label} at {line.scale}": len(line.done) for line in results.lines if line.done}
    if len(set(count.values())) == 1:
        return f"{next(iter(count.values()))} for each row"
    return ", ".join(f"{label}: {n}" for label, n in count.items())


def compute(done: Iterable[Run]) -> str:
    """Add up the wall time of the finished runs, by device."""
    spent: Counter[str] = Counter()
    for run in done:
        spent[run.result.get("device") or "unknown device"] += run.result.get("wall_s") or 0.0
    return "; ".join(f"{duration(seconds)} on {device}" for device, seconds in spent.items())


def failures(runs: Iterable[Run]) -> str:
    """Count the runs that have ended without a result, or say that there are none."""
    count = Counter(run.state for run in runs if run.terminal and run.state != "done")
    return ", ".join(f"{number} {state}" for state, number in count.items()) or "none"


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _data(run: Run) -> str:
    data = run.result.get("data") or {}
    content = f", content {data['content']}" if data.get("content") else ""
    return f"{data['name']}{content}" if data.get("name") else ""


def _splits(run: Run) -> str:
    data = run.result.get("data") or {}
    parts = [f"{data[part]:,} {part}" for part in ("train", "val", "test") if data.get(part) is not None]
    return f"{', '.join(parts)} (split {data['split']})" if parts and data.get("split") else ", ".join(parts)


def _size(run: Run) -> str:
    return f"{run.row}: {run.result['parameters']:,} parameters" if run.result.get("parameters") else ""


def _search(line: Line) -> str:
    facts = searched(line)
    if not facts:
        return ""
    trials = f"{facts['trials']} trials of {facts['epochs']} epochs"
    return f"{line.label}: {', '.join(facts['values'])} by {trials}, on the validation part"


def _all_have_bits(done: Iterable[Run]) -> bool:
    return all((run.result.get("answers") or {}).get("test") for run in done)
