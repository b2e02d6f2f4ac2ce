"""Tests a finished run again, with other metrics watching."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl

from snnx.metric.layer_values import rounded
from snnx.metric.reductions import KINDS
from snnx.record import provenance
from snnx.record.identity import changes
from snnx.run.build import build_data, build_trainer
from snnx.run.changed import changed
from snnx.run.reason import reason
from snnx.run.reopen import reopen
from snnx.run.run import watched
from snnx.run.signature import check_signatures


def retest(path: str | Path, words: list[str]) -> dict:
    """Rebuild the run's data and method, load its weights, and test.

    With the run's own metrics and nothing changed, the numbers are those of its `result.json`: of the last epoch its own, of
    the best one, which the run's folder stands for, those that end in `_best`.

    Args:
        path: see `reopen`.
        words: see `changed`.

    Returns:
        `checkpoint`, its `epoch`, counted from 1, the run's `last_epoch` and `hash`, `changed` (what differs from the run),
        `metrics`, `formulas`, `layers`, `samples`, `data`, `device` and `versions`.

    Raises:
        FileNotFoundError: there is no such run, or (`NoData`) its data set is not here.
        ValueError: what `reopen` and `changed` refuse, a value that its component refuses, a metric that the method or the
            scale of its run cannot have.
    """
    run = reopen(path)
    config = changed(run.config, words)
    config["trainer"] = {**config["trainer"], "devices": 1, "strategy": "auto"}  # one process sees every sample once
    check_signatures(config)
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    with _one_line():
        data = build_data(config)
    data.setup()
    with _one_line():
        method = run.build(config, data)
        trainer = build_trainer(config, run.id, run.folder, callbacks=[])
    tested, recorder = watched(trainer, method, data)
    for name, metric in method.metrics.items():
        if not any(recorder.curves_of(metric, kind) for kind in KINDS):
            raise ValueError(
                f"metric must hold only what {type(method).__name__} with {type(method.backbone).__name__} has; got {name}, "
                "which found nothing to watch in a test of it"
            )
    return {
        "checkpoint": None if run.checkpoint is None else str(run.checkpoint),
        "epoch": run.epoch,
        "last_epoch": run.config["trainer"]["max_epochs"],
        "hash": run.id,
        "changed": [line for line in changes(run.config, config) if not line.startswith("metric")]
        + [word for word in words if word.startswith("metric.")],  # of a metric that the run did not have, in its place
        "metrics": {**tested, **recorder.scalars()},
        "formulas": method.formulas,
        "layers": rounded(recorder),
        "samples": {kind: None if at is None else int(data.test_index[at]) for kind, at in recorder.samples.items()},
        "data": {"name": config["dataset"]["_target_"].split(".")[-2], **data.split_counts, "split": data.split_hash},
        "device": provenance.device(trainer.strategy.root_device),
        "versions": provenance.versions(),
    }


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # Hydra wraps a constructor's own complaint
        raise ValueError(reason(error)) from error
