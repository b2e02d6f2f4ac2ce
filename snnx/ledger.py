"""A run's folder: locked by the process that does the work, named by what it computes, and written so that nothing is lost."""

import fcntl
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import yaml

from snnx.identity import changes
from snnx.job import Job

LOOKS = 4


class Busy(RuntimeError):
    """Another process holds the run."""


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold the run of this folder for as long as the context lasts.

    The lock is the kernel's: it ends with the process, however that ends, so none goes stale.

    Raises:
        Busy: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a", encoding="utf-8") as lock:
        for look in range(LOOKS):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # perhaps only by somebody who asks whether it is held
                if look == LOOKS - 1:
                    raise Busy(f"{folder} is being computed by another process") from None
                time.sleep(0.05)
        yield


def tidy(folder: Path) -> None:
    """Remove what a killed process left half written; only whoever holds the run may."""
    for path in (*folder.glob(".*"), *folder.glob("ckpt/.*")):
        if path.name != ".lock" and path.is_file():
            path.unlink(missing_ok=True)


def to_json(value: object) -> str:
    """JSON of `value`, in which a number that is not finite is null.

    Example:
        >>> to_json({"loss": float("nan"), "acc": 0.5})
        '{"loss": null, "acc": 0.5}'
    """
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def result(folder: Path) -> dict | None:
    """What the run of this folder ended with; `None` if it has not ended, or what it says cannot be read."""
    try:
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def finished(job: Job) -> dict | None:
    """The result of a run that need not be done: done in its folder, or in the record if that counts; never under `force`."""
    if job.config["force"]:
        return None
    found = result(job.folder)
    if (found is None or found["status"] != "done") and job.config["recorded"]:
        found = recorded(job.sweep, job.row, job.id)
    return found if found is not None and found["status"] == "done" else None


def recorded(sweep: str | None, row: str, run_id: str, docs: Path = Path("docs/results")) -> dict | None:
    """The finished run of this identity in the committed record of its sweep, if there is one."""
    try:
        lines = (docs / f"{sweep}" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    found = (json.loads(line) for line in lines if line.strip())
    return next((run for run in found if run["hash"] == run_id and run["row"] == row and run["status"] == "done"), None)


def before(job: Job) -> str | None:
    """What this run finds that is not finished, in words; `None` where it is new. Read from files, never from a flag."""
    if (ended := result(job.folder)) is not None and ended["status"] not in ("done", "no data"):
        return f"{ended['status']} before, trying again"
    if ended is None and (epoch := reached(job)):
        return f"resumed at epoch {epoch}"
    if job.link.is_symlink() and job.link.resolve() != job.folder.resolve():
        return f"out of date because {_since(job.link / 'config.yaml', job.config)}"
    return None


def reached(job: Job) -> int:
    """The last epoch that has a checkpoint; 0 if none has."""
    found = (re.match(r"epoch=(\d+)", path.stem) for path in job.folder.glob("ckpt/epoch=*.ckpt"))
    return max((int(epoch[1]) for epoch in found if epoch), default=0)


def renew(job: Job) -> Job:
    """The same run without `force`, and without what it had come to: that must happen once, and not at each attempt."""
    if not job.config["force"]:
        return job
    with suppress(Busy), claim(job.folder):  # if somebody is at it, it is being renewed already
        shutil.rmtree(job.folder / "ckpt", ignore_errors=True)
        (job.folder / "result.json").unlink(missing_ok=True)
    return replace(job, config={**job.config, "force": False})


def _since(frozen: Path, config: dict) -> str:
    """Why the run that had this name before is another one."""
    try:
        found = changes(yaml.safe_load(frozen.read_text(encoding="utf-8")), config)
    except (FileNotFoundError, yaml.YAMLError):
        return "its configuration is not there any more"
    return (
        ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        or "the code computes it differently now"
    )


def link(name: Path, folder: Path) -> None:
    """Make `name` a relative symbolic link to the run's folder.

    Raises:
        FileExistsError: something that is no link stands there.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(folder, name.parent)
    if name.is_symlink() and os.readlink(name) == target:
        return
    if name.exists() and not name.is_symlink():
        raise FileExistsError(f"{name} must be a link to a run; got a file or folder: move it away")
    temporary = name.with_name(f".{os.getpid()}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, name)
