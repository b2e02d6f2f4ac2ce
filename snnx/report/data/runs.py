"""Collects the runs of one sweep: those in `outputs/`, merged with the committed record."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snnx.options.tune import is_tuned
from snnx.record import audit_file
from snnx.record.form import IDENTITY
from snnx.record.lock import acquire
from snnx.record.read import read
from snnx.record.result_file import LARGEST, parsed
from snnx.record.visible import visible
from snnx.report.data.run import DAMAGED, PRUNED, Run

OWN_COLUMN = ("seed=", "scale=", "sweep=", "row=")  # overrides that reports show in a separate column
FACTOR = "budget."  # overrides of this prefix are shown as part of the scale


def collect(sweep: str, outputs: Path, docs: Path) -> list[Run]:
    """Collect all runs of a sweep, one for each row, seed and hash.

    If a run is both on this machine and in the record, one of the two is kept. They are preferred in this order: the one that
    is done; then the one that has ended; then the one on this machine.

    If a result is cut short, belongs to another run, or has another form, its run is `damaged`. A damaged line of the record
    becomes a damaged run whose row names the line.

    Args:
        sweep: name of the sweep.
        outputs: folder that holds `runs/<hash>` and `<sweep>/<link>`.
        docs: folder that holds `<sweep>/runs.jsonl`, the record.
    """
    best: dict[tuple, Run] = {}
    for run in [*_local(outputs, sweep), *_recorded(docs / sweep / "runs.jsonl")]:
        key = (run.row, run.seed, run.hash)
        if key not in best or _preference(run) > _preference(best[key]):
            best[key] = run
        elif (mark := run.result.get("confirmed")) and run.result.get("started") == best[key].result.get("started"):
            best[key] = replace(best[key], result={**best[key].result, "confirmed": mark})  # the same run, also in the record
    return list(best.values())


def parse_link_name(link: str) -> tuple[str, int | None, str | None, str]:
    """Split a link's name into row, seed, scale and further overrides; without a row, the overrides become the row.

    Example:
        >>> parse_link_name("PLIF,seed=2,scale=small,metric=[firing_rate,potential]")
        ('PLIF', 2, 'small', 'metric=[firing_rate,potential]')
        >>> parse_link_name("PLIF,seed=0,scale=small,budget.width=0.5")
        ('PLIF', 0, 'small, budget.width=0.5', '')
        >>> parse_link_name("seed=0,neuron=if,surrogate=arctan")
        ('neuron=if,surrogate=arctan', 0, None, '')
    """
    words = link.split(",")
    row = "" if "=" in words[0] else words.pop(0)
    stated = dict(word.split("=", 1) for word in words if word.startswith(OWN_COLUMN))
    rest = ",".join(word for word in words if not word.startswith((*OWN_COLUMN, FACTOR)))
    seed = int(stated["seed"]) if stated.get("seed", "").isdecimal() else None  # a copied link may have another ending
    factors = sorted(word for word in words if word.startswith(FACTOR))
    scale = ", ".join([stated.get("scale", "paper"), *factors]) if factors else stated.get("scale")
    return row or rest, seed, scale, rest if row else ""


def whole_name(link: str, overrides: Sequence[str]) -> str:
    """Return the whole name of a link whose name was cut, if these are the overrides of its run; else the name itself.

    A link's name is a file name, so a long list of overrides is cut and ends in a hash of the whole list.

    Example:
        >>> overrides = ["seed=1", "method.percentile=99.9", "method.initial=0.5"]
        >>> whole_name("seed=1,method.perc~f7657fd4", overrides)
        'seed=1,method.percentile=99.9,method.initial=0.5'
    """
    cut, mark, digits = link.rpartition("~")
    if not mark:
        return link
    rest = ",".join(word for word in overrides if word.split("=")[0] not in ("sweep", "row", "seed"))
    if hashlib.sha256(rest.encode()).hexdigest()[:8] != digits:
        return link
    words = cut.split(",")
    return ",".join([*words[: 1 if words[0].startswith("seed=") else 2], rest])


def _local(outputs: Path, sweep: str) -> list[Run]:
    folder = outputs / sweep
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:  # for ten thousand runs, making a Path for each would take longer than reading
        links = {entry.name: is_link for entry in entries if (is_link := entry.is_symlink()) or entry.is_dir()}
    runs = (name for name, is_link in links.items() if is_link or (folder / name / "config.yaml").is_file())
    found = (_linked(f"{folder}/{link}", link, f"{outputs}/runs" if links[link] else None) for link in sorted(runs))
    return [run for run in found if run is not None]


def _linked(link: str, name: str, runs: str | None) -> Run | None:
    """Read the run that a link points to; `None` if it points to no folder.

    Only the name of the run is taken from the link. Its files are read from the folder of all runs, so that a received link
    cannot lead to another place.

    Args:
        link: path of the link.
        name: name of the link.
        runs: the folder of all runs. `None` if `link` is no link but a run's folder, as in a copy made with `cp -rL`.
    """
    run, folder, path = None, link, f"{link}/result.json"
    if runs:
        run = os.path.basename(target := os.readlink(link))
        folder = f"{runs}/{run}"
    try:
        result = _read(read(f"{folder}/result.json", links=False, most=LARGEST), path, run)
        state = result.get("status", DAMAGED)
        result = audit_file.added(result, folder)
    except FileNotFoundError:
        if not os.path.isdir(link):
            return None
        result, state = {}, "running" if _locked(Path(folder, ".lock")) else "unfinished"
    except OSError as error:
        result, state = _damage(f"{path}: must be readable; got {error.strerror}"), DAMAGED
    if runs and not (IDENTITY.fullmatch(run) and (result or os.path.isdir(folder))):
        result, state = _damage(f"{link}: must be a link to a run in {runs}; got a link to {target}"), DAMAGED
        run, folder = name, link  # a name that no folder of a run has, so that nothing is read from there
    if state == PRUNED:  # a search stopped this trial early; the sweep's run with the same settings has not run yet
        result, state = {}, "unfinished"
    chosen = (result.get("tuned") or {}).get("values", ())
    words = [word for word in result.get("overrides") or [] if word.split("=")[0] not in ("tuned", *chosen)]
    row, seed, scale, further = parse_link_name(visible(whole_name(name, words)))
    if "tuned" in result and not is_tuned(row):
        result = {key: value for key, value in result.items() if key != "tuned"}
    progress = _progress(Path(folder, "progress.json")) if state == "running" else {}
    return Run(
        row=row, seed=result.get("seed", 0) if seed is None else seed,
        scale=result.get("scale") or scale or "paper", further=further,
        hash=visible(run or result.get("hash", name)), state=state, result=result, local=True, progress=progress,
        folder=folder,
    )  # fmt: skip


def _progress(path: Path) -> dict:
    try:
        found = json.loads(read(path, links=False))
        whole = all(isinstance(found[key], int | float) for key in ("done", "epoch", "epochs"))
        return found if whole and isinstance(found["left_s"], int | float | None) else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # not written yet, already removed, or damaged
        return {}


def _locked(path: Path) -> bool:
    """Whether a process holds the lock; the kernel releases it when the process ends, even when it is killed."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return not acquire(file, shared=True)


def _recorded(path: Path) -> list[Run]:
    try:
        lines = enumerate(read(path).splitlines(), start=1)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [_entry(_damage(f"{path}: must be readable; got {error.strerror}"), path.name)]
    return [_entry(_read(line, f"{path}:{number}"), f"{path.name}:{number}") for number, line in lines]


def _entry(result: dict, line: str) -> Run:
    if "status" not in result:
        return Run(row=line, seed=0, scale="paper", further="", hash=line, state=DAMAGED, result=result, local=False)
    return Run(
        row=result["row"], seed=result["seed"], scale=result["scale"], further=result.get("further", ""),
        hash=result["hash"], state=result["status"], result=result, local=False,
    )  # fmt: skip


def _read(content: bytes, place: str, run: str | None = None) -> dict:
    """Return a result, with control characters made visible; one that cannot be used is replaced by an error that says why."""
    result = parsed(content, run)
    if isinstance(result, str):
        return _damage(f"{place}: {result}")
    plain = content.isascii() and b"\\" not in content and b"\x7f" not in content  # JSON escapes all other control characters
    return result if plain else visible(result)


def _damage(message: str) -> dict:
    return {"error": {"type": "Damaged", "message": visible(message)}}


def _preference(run: Run) -> tuple[bool, bool, bool]:
    return run.state == "done", run.terminal, run.local
