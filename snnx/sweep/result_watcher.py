"""Follows runs that other processes execute, by the files that they write."""

import threading

from snnx.record import provenance, result_file, run_folder
from snnx.record.job import Job
from snnx.record.masked import masked
from snnx.run import history
from snnx.sweep.display import Display

EVERY_S = 0.5  # how often the files are read


class ResultWatcher:
    """Displays runs that are executed elsewhere, and collects their results.

    It is a context manager that is open while they run. A result counts only if it differs from the one found at the start. For
    example, a failed result from yesterday does not count as a failure of today's attempt.

    Args:
        display: the display to update.
        jobs: all runs, including those that are done already.
    """

    def __init__(self, display: Display, jobs: list[Job]) -> None:
        self.display, self.jobs = display, jobs
        self.before = [result_file.read(job.folder) for job in jobs]
        self.ended: list[dict | None] = [None] * len(jobs)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._until_stopped, daemon=True)

    def __enter__(self) -> "ResultWatcher":
        for index, job in enumerate(self.jobs):
            if (found := history.finished(job)) is not None:
                run_folder.link(job.link, job.folder)
                self._end(index, {**found, "before": True})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._look()

    def outcomes(self, launcher_error: str | None) -> list[dict]:
        """Return one outcome per run, in order; a run without a result counts as failed, with `launcher_error` as the reason.

        `launcher_error` is the error of the launcher that executed the runs, or `None` if it raised none.
        """
        for index, job in enumerate(self.jobs):
            if self.ended[index] is None:
                error = {
                    "type": "NoResult",
                    "message": masked(f"wrote no result; {launcher_error or 'the launcher reported no error'}"),
                    "traceback": "",
                }
                self._end(index, {**provenance.of(job), "status": "failed", "error": error, "wall_s": 0.0})
        return self.ended

    def _until_stopped(self) -> None:
        while not self.stop.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        for index, job in enumerate(self.jobs):
            if self.ended[index] is not None:
                continue
            if (job.folder / "progress.json").exists():
                self.display.start(job)
            found = result_file.read(job.folder)
            if found is not None and found != self.before[index]:
                self._end(index, found)
        self.display.refresh()

    def _end(self, index: int, outcome: dict) -> None:
        self.ended[index] = outcome
        self.display.end(self.jobs[index], outcome)
