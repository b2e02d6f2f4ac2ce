"""Composes a run the way the command line does, for tests that look at what comes out."""

from snnx.compose import single
from snnx.record.job import Job


def composed(*overrides: str) -> Job:
    """The job that `snnx OVERRIDES` would run."""
    return single.composed(overrides, "snnx " + " ".join(overrides))
