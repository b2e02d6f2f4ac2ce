"""Executes a small run on digits, for tests that open a finished run."""

from dataclasses import replace
from pathlib import Path

from composing import composed

from snnx.record.job import Job
from snnx.run.execute import execute

TINY = ("timesteps=2", "trainer.max_epochs=2", "budget.samples=0.1", "trainer.accelerator=cpu", "backbone.channels=[4,8]")


def result_of(job: Job, **changes: object) -> dict:
    """The result of a run that ended without computing anything, with the given entries changed."""
    facts = {
        "status": "done", "hash": job.id, "group": job.group, "row": job.row, "seed": job.seed, "scale": job.scale,
        "started": "2026-11-22T11:00:00+00:00", "metrics": {}, "curves": {}, "layers": {},
    }  # fmt: skip
    return facts | changes


def finished(outputs: Path, *overrides: str) -> tuple[Path, dict]:
    """Execute a run with these overrides, and return its folder and its result."""
    job = replace(composed(*TINY, *overrides), outputs=str(outputs))
    result = execute(job)
    assert result["status"] == "done", result["error"]
    return job.folder, result
