"""Composes a run as the command line does, for tests that inspect its configuration."""

from snnx.compose import single
from snnx.record.job import Job


def composed(*overrides: str) -> Job:
    """The job that `snnx OVERRIDES` would run."""
    return single.composed(overrides, "snnx " + " ".join(overrides))
