"""What a run finds of earlier attempts: a result that stands, a checkpoint to go on from, or what is out of date."""

import re
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import yaml

from snnx.record.identity import changes
from snnx.record.job import Job
from snnx.record.result_file import read, recorded
from snnx.record.run_folder import Busy, claim
from snnx.run.outdated import outdated


def finished(job: Job) -> dict | None:
    """The result of a run that need not be done: done in its folder, or in the record if that counts; never under `force`.

    A result of other code or other samples counts only with `outdated=true`.
    """
    if job.config["force"]:
        return None
    found = read(job.folder)
    if found is not None and found["status"] == "done" and (job.config["outdated"] or outdated(job) is None):
        return found
    return recorded(job.sweep, job.row, job.id) if job.config["recorded"] else None


def before(job: Job) -> str | None:
    """What this run finds that is not finished, in words; `None` where it is new. Read from files, never from a flag."""
    ended, epoch = read(job.folder), reached(job)
    if ended is not None and ended["status"] not in ("done", "no data"):
        return f"{ended['status']} before, trying again"
    why = None if job.config["outdated"] else outdated(job)
    if why and ended is not None:
        return f"out of date because {why}"
    if why and epoch:
        return f"starts over because {why}; outdated=true goes on from epoch {epoch}"
    if ended is None and epoch:
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
