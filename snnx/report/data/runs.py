"""The runs of one sweep: what lies under `outputs/`, merged with the committed record."""

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

TERMINAL = ("done", "failed", "diverged", "no data")  # what result.json can say
STATES = (*TERMINAL, "running", "unfinished")  # the last two are derived from the lock
NAMED_ELSEWHERE = ("seed=", "scale=", "sweep=", "row=")  # overrides that have a column of their own
FACTOR = "budget."  # overrides that belong to the scale


@dataclass(frozen=True)
class Run:
    """One training run under the name that this sweep gives it."""

    row: str
    seed: int
    scale: str
    further: str  # overrides beyond row, seed and scale, as in the link's name
    hash: str
    state: str  # one of STATES
    result: dict  # result.json; empty while there is none
    local: bool  # from this machine's outputs, not from the record
    progress: dict = field(default_factory=dict)  # progress.json of a running one; empty until its first step

    @property
    def group(self) -> str | None:
        """The hash with the seed masked: runs that share it differ in nothing but the seed."""
        return self.result.get("group")

    @property
    def cause(self) -> str:
        """Why it did not end well, in a line."""
        error = self.result.get("error") or {"message": "", "type": ""}
        return (error["message"].strip().splitlines() or [error["type"]])[0]

    @property
    def terminal(self) -> bool:
        """Whether the run has ended by itself, well or badly."""
        return self.state in TERMINAL


def collect(sweep: str, outputs: Path, docs: Path) -> list[Run]:
    """All runs of a sweep, each (row, seed, hash) once.

    Of two runs that are the same, done beats any other end, an end beats none, and this machine beats the record.

    Args:
        sweep: name of the sweep.
        outputs: folder that holds `runs/<hash>` and `<sweep>/<link>`.
        docs: folder that holds `<sweep>/runs.jsonl`, the record.

    Raises:
        ValueError: a result.json or a line of the record is no JSON mapping.
    """
    best: dict[tuple, Run] = {}
    for run in [*_local(outputs / sweep), *_recorded(docs / sweep / "runs.jsonl")]:
        key = (run.row, run.seed, run.hash)
        if key not in best or _preference(run) > _preference(best[key]):
            best[key] = run
    return list(best.values())


def name(link: str) -> tuple[str, int | None, str | None, str]:
    """Row, seed, scale and further overrides that a link's name states; a grid's row is its overrides.

    Example:
        >>> name("PLIF,seed=2,scale=small,metric=[firing_rate,potential]")
        ('PLIF', 2, 'small', 'metric=[firing_rate,potential]')
        >>> name("PLIF,seed=0,scale=small,budget.width=0.5")
        ('PLIF', 0, 'small, budget.width=0.5', '')
        >>> name("seed=0,neuron=if,surrogate=arctan")
        ('neuron=if,surrogate=arctan', 0, None, '')
    """
    words = link.split(",")
    row = "" if "=" in words[0] else words.pop(0)
    stated = dict(word.split("=", 1) for word in words if word.startswith(NAMED_ELSEWHERE))
    rest = ",".join(word for word in words if not word.startswith((*NAMED_ELSEWHERE, FACTOR)))
    seed = int(stated["seed"]) if "seed" in stated else None
    factors = sorted(word for word in words if word.startswith(FACTOR))
    scale = ", ".join([stated.get("scale", "paper"), *factors]) if factors else stated.get("scale")
    return row or rest, seed, scale, rest if row else ""


def _local(folder: Path) -> list[Run]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:  # of ten thousand runs, paths would cost more than what is read
        links = sorted(entry.name for entry in entries if entry.is_symlink() and entry.is_dir())
    return [_linked(folder / link) for link in links]


def _linked(link: Path) -> Run:
    row, seed, scale, further = name(link.name)
    path = link / "result.json"
    try:
        result = _mapping(path.read_text(encoding="utf-8"), str(path))
        state = result["status"]
    except FileNotFoundError:
        result, state = {}, "running" if _locked(link / ".lock") else "unfinished"
    progress = _progress(link / "progress.json") if state == "running" else {}
    return Run(
        row=row, seed=result.get("seed", 0) if seed is None else seed,
        scale=result.get("scale") or scale or "paper", further=further,
        hash=os.path.basename(os.readlink(link)), state=state, result=result, local=True, progress=progress,
    )  # fmt: skip


def _progress(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # not there yet, or not any more
        return {}


def _locked(path: Path) -> bool:
    """Whether a living process holds the lock; the kernel frees it when the process dies, however it dies."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _recorded(path: Path) -> list[Run]:
    if not path.is_file():
        return []
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return [_entry(_mapping(line, f"{path}:{number}")) for number, line in lines]


def _entry(result: dict) -> Run:
    return Run(
        row=result["row"], seed=result["seed"], scale=result["scale"], further=result.get("further", ""),
        hash=result["hash"], state=result["status"], result=result, local=False,
    )  # fmt: skip


def _mapping(text: str, place: str) -> dict:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: must be JSON; {error}") from None
    if not isinstance(value, dict) or value.get("status") not in TERMINAL:
        raise ValueError(f"{place}: status must be one of {', '.join(TERMINAL)}; got {text[:60]}")
    return value


def _preference(run: Run) -> tuple[bool, bool, bool]:
    return run.state == "done", run.terminal, run.local
