"""All loggers of a run: opened when it begins, closed however it ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from hydra.utils import instantiate

from snnx.logger.view import View
from snnx.record.job import Job


@contextmanager
def views_of(job: Job) -> Iterator[tuple[list[View], dict[str, float]]]:
    """The views of a run, and a place for its final metrics; closed as finished or failed however it ends, at no cost to it."""
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
