"""How both launchers end a sweep: they print its tally, and return the outcome of each run to Hydra."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, JobStatus


def returned(display: Any, jobs: Sequence[Any], outcomes: Sequence[dict]) -> list[JobReturn]:
    """Print the tally of a sweep, and return what Hydra expects of a launcher.

    Args:
        display: the sweep's `snnx.sweep.display.Display`.
        jobs: all runs of the sweep, as `snnx.record.job.Job`.
        outcomes: the outcome of each run, in the same order.

    Raises:
        SweepFailed: at least one run failed; each failure has been reported.
    """
    from snnx.sweep.exit_code import SweepFailed, judge

    display.tally(jobs, outcomes)
    if complaint := judge(outcomes):
        raise SweepFailed(complaint)
    return [
        JobReturn(overrides=one.overrides, status=JobStatus.COMPLETED, _return_value=outcome)
        for one, outcome in zip(jobs, outcomes, strict=True)
    ]
