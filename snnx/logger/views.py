"""All loggers of a run: opened at its start, and closed at its end, also if it fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from hydra.utils import instantiate

from snnx.logger.view import View
from snnx.record.job import Job


@contextmanager
def views_of(job: Job) -> Iterator[tuple[list[View], dict[str, float]]]:
    """Open the loggers of a run for the duration of a `with` block.

    At the end of the block the loggers are closed, as failed if it raised an exception. A logger that fails prints a warning
    and does not affect the run.

    Args:
        job: its configuration names the loggers.

    Yields:
        The views, and an empty mapping for the final metrics; what the block puts into it is passed on when they are closed.
    """
    views: list[View] = []
    final: dict[str, float] = {}
    exit_code = 1
    try:
        for name, node in job.config["logger"].items():
            views.append(View(name, partial(instantiate(node), job=job)))
        yield views, final
        exit_code = 0
    finally:
        for view in views:
            if complaint := view.close(exit_code, final):
                print(f"snnx: {complaint}", file=sys.stderr, flush=True)
