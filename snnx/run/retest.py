"""Tests a finished run again, if wanted with other metrics."""

from pathlib import Path

from snnx.metric.layer_values import rounded
from snnx.metric.reductions import KINDS
from snnx.record import provenance
from snnx.record.identity import changes
from snnx.run.build import epochs_of
from snnx.run.rebuild import rebuild
from snnx.run.test import run_test


def retest(path: str | Path, words: list[str]) -> dict:
    """Rebuild the run's data and method, load its weights, and test.

    If nothing is changed, the numbers agree with the run's `result.json`. A test of the last epoch agrees with the plain keys,
    such as `test/acc`. A test of the best epoch, which is what the run's folder selects, agrees with the keys that end in
    `_best`.

    Args:
        path: see `reopen`.
        words: see `apply_overrides`.

    Returns:
        `checkpoint`, its `epoch`, counted from 1, the run's `last_epoch` and `hash`, `changed` (what differs from the run),
        `outdated` (what has changed of its code and samples since, or `None`), `metrics`, `formulas`, `layers`, `samples`,
        `data`, `device` and `versions`.

    Raises:
        FileNotFoundError: there is no such run, or (`NoData`) its data set is not on this machine.
        ValueError: `rebuild` rejects an argument or a value, or a metric has nothing to measure with this method and backbone.
    """
    rebuilt = rebuild(path, words)
    run, config, data, method, trainer = rebuilt.run, rebuilt.config, rebuilt.data, rebuilt.method, rebuilt.trainer
    tested, recorder = run_test(trainer, method, data)
    for name, metric in method.metrics.items():
        if not any(recorder.curves_of(metric, kind) for kind in KINDS):
            raise ValueError(
                f"metric must be measurable in a test of {type(method).__name__} with {type(method.backbone).__name__}; "
                f"got {name}, which recorded nothing: leave it out"
            )
    return {
        "checkpoint": None if run.checkpoint is None else str(run.checkpoint),
        "epoch": run.epoch,
        "last_epoch": epochs_of(run.config),
        "hash": run.id,
        "outdated": rebuilt.outdated(),
        "changed": [line for line in changes(run.config, config) if not line.startswith("metric")]
        + [word for word in words if word.startswith("metric.")],  # `changes` cannot compare a metric that the run did not have
        "metrics": {**tested, **recorder.scalars()},
        "formulas": method.formulas,
        "layers": rounded(recorder),
        "samples": {kind: None if at is None else int(data.test_index[at]) for kind, at in recorder.samples.items()},
        "data": {"name": config["dataset"]["_target_"].split(".")[-2], **data.split_counts, "split": data.split_hash},
        "device": provenance.device(trainer.strategy.root_device),
        "versions": provenance.versions(),
    }
