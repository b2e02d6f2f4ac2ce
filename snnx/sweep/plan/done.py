"""Finds which runs of a planned sweep are done already."""

from collections.abc import Sequence
from dataclasses import replace

from snnx.record.job import Job
from snnx.run import history


def done(jobs: Sequence[Job]) -> list[bool]:
    """Say for each run whether it is done, also for a run whose settings a search chooses: the plan does not know these.

    The run of a winner is found by its name, such as `LIF-tuned,seed=0`, and counts if the same search has chosen its settings.
    Then the trials of this search are done too. The untuned run of the row counts separately.
    """
    winners = [_winner(job) if job.config.get("tuned") else None for job in jobs]
    searched = {winner["tuned"]["study"] for winner in winners if winner}
    return [_is_done(job, winner, searched) for job, winner in zip(jobs, winners, strict=True)]


def _winner(job: Job) -> dict | None:
    """Return the result of the planned run of a winner, if its search has had at least as many trials as are planned."""
    planned = job.config["tuned"]
    found = history.finished(replace(job, id=job.link.resolve().name)) if job.link.exists() else None
    facts = (found or {}).get("tuned") or {}
    return found if facts.get("study") == planned["study"] and facts["trials"] >= planned["trials"] else None


def _is_done(job: Job, winner: dict | None, searched: set[str]) -> bool:
    if job.config.get("tuned"):
        return winner is not None
    if search := job.config.get("search"):
        return search["study"] in searched
    return history.finished(job) is not None
