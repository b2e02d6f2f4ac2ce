"""All loggers of a run: opened at its start, and closed at its end, even if it fails."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from snnx.logger.view import Logger, View
from snnx.record.job import Job
from snnx.record.masked import masked


@contextmanager
def views_of(job: Job, loggers: Mapping[str, Callable[..., Logger]]) -> Iterator[tuple[list[View], dict[str, float]]]:
    """Open the loggers of a run for the duration of a `with` block.

    At the end of the block the loggers are closed, as failed if it raised an exception. A logger that fails prints a warning
    and does not affect the run.

    Args:
        job: the run, which each logger gets as its argument `job`.
        loggers: makes each logger, by its name.

    Yields:
        The views, and an empty mapping for the final metrics; what the block puts into it is passed on when they are closed.
    """
    views: list[View] = []
    final: dict[str, float] = {}
    exit_code = 1
    try:
        for name, makes in loggers.items():
            views.append(View(name, partial(makes, job=job)))
        yield views, final
        exit_code = 0
    finally:
        for view in views:
            if complaint := view.close(exit_code, final):
                print(f"snnx: {masked(complaint)}", file=sys.stderr, flush=True)
