"""Keeps one attempt to execute a run, and finds or writes its result."""

import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from snnx.record import provenance, result_file, run_folder, storage
from snnx.record.job import Job
from snnx.record.write import write
from snnx.run import child_process, history
from snnx.sweep.running_time import RunningTime


@dataclass
class Attempt:
    """An attempt to execute a job in a process of its own."""

    index: int  # index of the job
    retries: int  # how many further attempts are left
    found: tuple | None  # stamp of the result file when the sweep began; a different stamp means that a new result was written
    not_before: float = 0.0
    process: BaseProcess | None = None
    began: float = 0.0  # time.monotonic() at the start
    started: str = ""  # date and time of the start
    ran: RunningTime | None = None  # how long its process has run
    timed_out: bool = False
    holder: str = ""  # the process that holds the lock for which this attempt waits
    waited: RunningTime | None = None  # how long it has waited for this process

    def again(self) -> "Attempt":
        return Attempt(self.index, self.retries, self.found)

    def wait_for(self, holder: str) -> "Attempt":
        """Return an attempt that begins a second later, when the other process may have released its lock."""
        waited = self.waited if holder == self.holder else RunningTime()
        later = time.monotonic() + 1
        return Attempt(self.index, self.retries, self.found, not_before=later, holder=holder, waited=waited)


def stamp(job: Job) -> tuple | None:
    """Return the inode and modification time of the result file, which change when a new one is written; `None` without one."""
    try:
        found = (job.folder / "result.json").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def new_result(job: Job, attempt: Attempt) -> dict | None:
    """Return the result if any process has written one since the sweep began, else `None`."""
    return result_file.read(job.folder) if stamp(job) not in (None, attempt.found) else None


def result_of(job: Job, attempt: Attempt) -> dict | None:
    """Return the result that was written during this attempt, or the older one that the process accepted as valid."""
    return new_result(job, attempt) or (history.finished(job) if attempt.process.exitcode == 0 else None)


def write_failure(job: Job, attempt: Attempt, timeout_s: float | None) -> dict:
    """Write and return a failed result for a process that could not write one itself."""
    code = attempt.process.exitcode
    cause = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if code == child_process.UNWRITTEN:
        cause = f"could not write: {storage.obstacle(job.folder) or f'{job.folder} could not be written for some time'}"
    if attempt.timed_out:
        cause = f"took longer than hydra.launcher.timeout_s={timeout_s:g} and was killed"
    outcome = _failed(job, attempt, f"the process {cause}; its output is in run.log")
    with suppress(OSError, run_folder.Busy), run_folder.hold(job.folder):  # a full disk must not stop the other runs
        write(job.folder / "result.json", result_file.to_json(outcome))
    return outcome


def still_locked(job: Job, attempt: Attempt, timeout_s: float) -> dict:
    """Return a failed result for a run whose lock another process has not released in time."""
    lock = job.folder / run_folder.LOCK
    limit = f"hydra.launcher.timeout_s={timeout_s:g}"
    advice = "end that process if it hangs, then start the command again"
    return _failed(job, attempt, f"{attempt.holder} has held {lock} for longer than {limit}: {advice}")


def _failed(job: Job, attempt: Attempt, cause: str) -> dict:
    """Return a failed result with this cause."""
    error = {"type": "ProcessDied", "message": cause, "traceback": ""}
    wall_s = round(time.monotonic() - attempt.began, 2) if attempt.began else 0.0
    return {**provenance.of(job), "status": "failed", "error": error, "started": attempt.started, "wall_s": wall_s}
