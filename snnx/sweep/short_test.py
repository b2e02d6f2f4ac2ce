"""Finds the names of the metrics that a run will measure, by testing its untrained network on a few samples."""

import pytorch_lightning as pl

from snnx.record.job import Job
from snnx.run.build import build_data, build_method, build_trainer
from snnx.run.on_one_device import on_one_device
from snnx.run.test import run_test

SAMPLES = 1e-6
"""The share of the samples that is used; a data set keeps at least one of each class."""
LONGEST = 100
"""The largest number of time steps that is tested; a converted network of thousands of steps would take a minute."""


def measured_names(job: Job) -> list[str]:
    """Return the names of the numbers that a test of the run measures, such as `test/acc`; none for more than `LONGEST` steps.

    Names that depend on values can be missing, for example a ratio of firing rates if an untrained layer does not fire. Names
    that only a training measures, such as `val/acc`, are not among them.

    Raises:
        NoData: its data set is not on this machine.
    """
    if job.config["timesteps"] > LONGEST:
        return []
    config = on_one_device(job.config)
    config |= {
        "budget": {**config["budget"], "samples": SAMPLES},
        "trainer": {**config["trainer"], "max_epochs": 0, "limit_test_batches": 1},
    }
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data = build_data(config)
    data.setup()
    method = build_method(config, data)
    trainer = build_trainer(config, job.id, job.folder, callbacks=[])
    logged, recorder = run_test(trainer, method, data)
    return [*logged, *recorder.scalars()]
