"""Follows runs that others do, by the files they leave."""

import threading

from snnx.record import provenance, result_file, run_folder
from snnx.record.job import Job
from snnx.run import history
from snnx.sweep.display import Display

EVERY_S = 0.5


class ResultWatcher:
    """Shows runs that are done elsewhere, and collects what each ended with.

    A context, for as long as they run. A result counts if it was not there before: a run that failed yesterday has not failed
    today until it says so.

    Args:
        display: where to show them.
        jobs: all runs, those that are done already too.
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

    def outcomes(self, trouble: str | None) -> list[dict]:
        """One outcome a run, in order; one that left no result has failed, with the engine's `trouble` as the reason."""
        for index, job in enumerate(self.jobs):
            if self.ended[index] is None:
                error = {
                    "type": "NoResult",
                    "message": f"left no result; {trouble or 'the engine says nothing'}",
                    "traceback": "",
                }
                self._end(index, {**provenance.identity(job), "status": "failed", "error": error, "wall_s": 0.0})
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
