"""Composes every run of a sweep before the first one starts."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from hydra.core.utils import setup_globals

from snnx.compose.compose import job
from snnx.compose.composer import Composer
from snnx.compose.counted_line import counted_line
from snnx.record.identity import leaves
from snnx.record.job import Job
from snnx.run.outdated import code_of

MANY = 20  # the progress is shown for more runs than this; composing fewer takes a moment


def freeze(loader: Any, config: Any, job_overrides: Sequence[Sequence[str]]) -> list[Job]:
    """Compose every run of a sweep now, so that editing an option before a run starts does not change the run.

    Each job also gets the digests of its modules, so that a run whose code is edited before it starts is refused.
    """
    setup_globals()
    command = shlex.join(["snnx", *sys.argv[1:]])
    jobs: dict[int, Job] = {}
    codes: dict[tuple[str, ...], dict[str, str]] = {}
    total = len(job_overrides)
    with counted_line("composing", total) if total > MANY else nullcontext(lambda: None) as count:
        for number, composed, overrides, choices, unused in Composer(loader, config).composed(job_overrides):
            made = job(composed, overrides=overrides, choices=choices, unused=unused, command=command)
            targets = tuple(str(value) for key, value in leaves(made.config) if key.endswith("_target_"))
            if targets not in codes:  # most runs have the same components
                codes[targets] = code_of(made.config)
            jobs[number] = replace(made, code=codes[targets])
            count()
    return [jobs[number] for number in range(total)]
