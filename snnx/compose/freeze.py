"""Composes every run of a sweep before the first one starts."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydra.core.utils import setup_globals
from omegaconf import open_dict

from snnx.compose.compose import job
from snnx.record.identity import leaves
from snnx.run.outdated import code_of


def freeze(loader: Any, config: Any, job_overrides: Sequence[Sequence[str]], first: int) -> list:
    """Compose every run of a sweep now, so that editing an option before a run starts does not change the run.

    Each job also gets the digests of its modules, so that a run whose code is edited before it starts is refused.
    """
    setup_globals()
    jobs, codes = [], {}
    for number, overrides in enumerate(job_overrides, first):
        composed = loader.load_sweep_config(config, list(overrides))
        with open_dict(composed):
            composed.hydra.job.id = composed.hydra.job.num = number
        words = shlex.join(["snnx", *sys.argv[1:]])
        plain = composed.hydra
        made = job(composed, overrides=list(plain.overrides.task), choices=dict(plain.runtime.choices), command=words)
        targets = tuple(str(value) for key, value in leaves(made.config) if key.endswith("_target_"))
        if targets not in codes:  # the same for most runs
            codes[targets] = code_of(made.config)
        jobs.append(replace(made, code=codes[targets]))
    return jobs
