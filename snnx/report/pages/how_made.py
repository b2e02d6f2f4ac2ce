"""How the runs of a page were made: commands, machines, versions, code and data."""

from collections import Counter
from collections.abc import Iterable, Sequence

from snnx.report.data.format import duration
from snnx.report.data.run import STATES, Run


def how_made(runs: Iterable[Run]) -> list[tuple[str, str]]:
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
    if shared := sum(bool(result.get("trained_by")) for result in results):
        facts.append(("shared training", f"{shared} of {len(results)} runs took the network that another run had trained"))
    facts += [("machine", device) for device in _distinct(result.get("device") for result in results)]
    facts += [("versions", text) for text in _distinct(_pairs(result.get("versions")) for result in results)]
    facts += [("commit", text) for text in _distinct(_commit(result.get("git")) for result in results)]
    facts += [("confirmed by snnx replay", text)] if (text := _confirmed(results)) else []
    facts += [("weights", text) for text in map(_weights, ended) if text]
    facts += [("data", text) for text in _distinct(_data(result.get("data")) for result in results)]
    facts += [("scale", text) for text in _distinct(_scale(result) for result in results)]
    facts += [("parameters", text) for text in _parameters(ended) if text]
    started = sorted(_distinct(result.get("started") for result in results))
    return facts + ([("started", " to ".join(_distinct([started[0], started[-1]])))] if started else [])


def pictured(runs: Iterable[Run]) -> list[tuple[str, str]]:
    """Name the test samples whose activity the runs recorded, for a page with figures that show them."""
    samples = _distinct(_pictured(run.result.get("samples")) for run in runs if run.terminal)
    return [("test samples in the figures, by their number", "; ".join(samples))] if samples else []


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _pairs(named: dict | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (named or {}).items())


def _pictured(samples: dict | None) -> str:
    """Return the numbers of the test samples whose activity a run recorded, for example `0 (correct) and 17 (wrong)`."""
    return " and ".join(f"{number} ({kind})" for kind, number in (samples or {}).items() if number is not None)


def _commit(git: dict | None) -> str:
    """Return the commit of snnx and that of the run's project, if they are known."""
    known = [git["commit"] + (" with uncommitted changes" if git.get("dirty") else "")] if git and git.get("commit") else []
    if git and (project := _commit(git.get("project"))):
        known.append(f"of the project: {project}")
    return "; ".join(known)


def _confirmed(results: Sequence[dict]) -> str:
    """How many runs `snnx replay` has confirmed, at which commit of snnx, and by which numbers."""
    found = Counter()
    for result in results:
        if confirmed := result.get("confirmed"):
            commit = (confirmed.get("git") or {}).get("commit")
            found[f"at commit {commit} by {confirmed['by']}" if commit else f"by {confirmed['by']}"] += 1
    return "; ".join(f"{count} of {len(results)} {how}" for how, count in found.items())


def _weights(run: Run) -> str:
    """Say how the weights that were kept of a run are loaded."""
    if not (digest := run.result.get("weights")) or not (sweep := run.result.get("sweep")):
        return ""
    return f"{run.title}: snnx prepare weights {sweep}, SHA-256 {digest}"


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
