"""Composes every run of a sweep before the first one starts."""

import shlex
import sys
from collections.abc import Sequence
from typing import Any

from hydra.core.utils import setup_globals
from omegaconf import open_dict

from snnx.compose.compose import job


def freeze(loader: Any, config: Any, job_overrides: Sequence[Sequence[str]], first: int) -> list:
    """Compose every run of a sweep now, so that editing a file before a run starts does not change the run."""
    setup_globals()
    jobs = []
    for number, overrides in enumerate(job_overrides, first):
        composed = loader.load_sweep_config(config, list(overrides))
        with open_dict(composed):
            composed.hydra.job.id = composed.hydra.job.num = number
        words = shlex.join(["snnx", *sys.argv[1:]])
        plain = composed.hydra
        jobs.append(job(composed, overrides=list(plain.overrides.task), choices=dict(plain.runtime.choices), command=words))
    return jobs
