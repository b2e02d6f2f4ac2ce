"""What earlier attempts of a run have left behind: a valid result, a checkpoint to resume from, or outdated files."""

import os
import re
from contextlib import suppress
from dataclasses import replace

from snnx.options.places import component_folders
from snnx.options.strict_yaml import load
from snnx.record.confirmed import code_state
from snnx.record.identity import changes
from snnx.record.job import Job
from snnx.record.read import read as read_file
from snnx.record.result_file import read, recorded
from snnx.record.run_folder import Busy, hold, remove_checkpoints
from snnx.record.source import SNNX
from snnx.run.outdated import outdated


def finished(job: Job) -> dict | None:
    """Return the result of a run that need not be executed again, or `None` if it must be executed.

    The result comes from the run's folder or, with `recorded=true`, from the committed record; then its entry `recorded` says
    which code computed it. A result of other code or other samples in the run's folder counts only with `outdated=true`; then
    its entry `outdated` says what has changed. With `force=true` no result counts. A trial of a search has been tested on the
    validation samples, so its result does not count for an ordinary run of the same name, and that of an ordinary run does not
    count for a trial.
    """
    if job.config["force"]:
        return None
    found = read(job.folder)
    same_test = found is not None and bool(found.get("search")) == bool(job.config.get("search"))
    if same_test and found["status"] == "done":
        if (why := outdated(job)) is None:
            return found
        if job.config["outdated"]:
            return {**found, "outdated": why}
    if not job.config["recorded"] or (line := recorded(job.sweep, job.row, job.id)) is None:
        return None
    return {**line, "recorded": code_state(line, SNNX | component_folders())}


def describe_earlier_attempt(job: Job) -> str | None:
    """Say in words what an unfinished run has left behind, for example `resumed at epoch 3`; `None` if the run is new.

    The answer comes from the run's files only.
    """
    ended, epoch = read(job.folder), last_epoch(job)
    why = None if job.config["outdated"] else outdated(job)
    over = f"starts over because {why}; with outdated=true it would continue from epoch {epoch}" if why and epoch else None
    if ended is not None and ended["status"] not in ("done", "no data", "pruned"):
        again = over or (f"resumed at epoch {epoch}" if epoch else "trying again")
        return f"{ended['status']} before, {again}"
    if why and ended is not None:
        return f"out of date because {why}"
    if over:
        return over
    if epoch and (ended is None or ended["status"] == "pruned"):
        return f"resumed at epoch {epoch}"
    if job.link.is_symlink() and job.link.resolve() != job.folder.resolve():
        return f"a new run beside the old one of this name: {_difference(job, os.path.basename(os.readlink(job.link)))}"
    return None


def resumed_epoch(job: Job) -> int:
    """Return the epoch after which a run would continue; 0 if it would start over, as with `force=true` or after an edit."""
    epoch = 0 if job.config["force"] else last_epoch(job)
    return epoch if epoch and (job.config["outdated"] or outdated(job) is None) else 0


def last_epoch(job: Job) -> int:
    """Return the last epoch that has a checkpoint; 0 if there is none."""
    found = (re.match(r"epoch=(\d+)", path.stem) for path in job.folder.glob("ckpt/epoch=*.ckpt"))
    return max((int(epoch[1]) for epoch in found if epoch), default=0)


def start_over_if_forced(job: Job) -> Job:
    """For a run with `force=true`, delete its old checkpoints and result, and return the job with `force=false`.

    This happens once, before the first attempt, so that a retry resumes instead of starting over.
    """
    if not job.config["force"]:
        return job
    with suppress(Busy), hold(job.folder):  # another process that computes the run has done this
        remove_checkpoints(job.folder)
    return replace(job, config={**job.config, "force": False})


def _difference(job: Job, before: str) -> str:
    """Say what differs between the job and the run that had its name before, whose folder is called `before`."""
    try:
        found = changes(load(read_file(job.folder.with_name(before) / "config.yaml", links=False).decode()), job.config)
    except FileNotFoundError:
        return "its old configuration is missing"
    except Exception:  # whatever a damaged or foreign file contains
        return "its old configuration is damaged"
    return (
        ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        or "another version of snnx computed it"
    )
