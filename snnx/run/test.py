"""Tests a trained network: its last epoch, the same weights with few bits, and its best epoch."""

from pathlib import Path

import pytorch_lightning as pl

from snnx.method.base import Method
from snnx.metric.layer_values import rounded
from snnx.metric.recorder import Recorder
from snnx.quantization.quantization import Quantization
from snnx.run.callback.answers import Answers


def test(
    trainer: pl.Trainer,
    method: Method,
    data: pl.LightningDataModule,
    answers: Answers,
    best: Path | None,
    quantization: Quantization | None,
) -> dict:
    """Test the last epoch with all metrics, then with quantised weights if `quantization` is set, then the best epoch.

    Args:
        best: checkpoint of the best epoch, or `None` if the best epoch is the last one and needs no separate test.
        answers: a callback of the trainer that has not collected the answers of an earlier test.

    Returns:
        `metrics`; `layers`, the metrics of each layer; `samples`, the place in the official test set of each sample that is
        shown; `answers`: for each accuracy, such as `test/acc`, one bit per sample, whether it was classified correctly.
    """
    logged, recorder = run_test(trainer, method, data)
    correct = right_at_best = answers.tested()
    metrics = {**logged, **recorder.scalars()}  # now, because loading the best checkpoint resets metrics of training
    layers = rounded(recorder)
    for bits in quantization.bits if quantization else []:
        with quantization.applied(method.backbone, bits):
            coarse, coarse_recorder = run_test(trainer, method, data)
        metrics |= {f"{key}_{bits}bit": value for key, value in {**coarse, **coarse_recorder.scalars()}.items()}
        correct = correct | {f"{key}_{bits}bit": right for key, right in answers.tested().items()}
    if best:
        (logged,) = trainer.test(method, datamodule=data, ckpt_path=str(best), verbose=False, weights_only=True)
        right_at_best = answers.tested()
    samples = {kind: None if place is None else int(data.test_index[place]) for kind, place in recorder.samples.items()}
    return {
        "metrics": {**metrics, **{f"{key}_best": value for key, value in logged.items()}},
        "layers": layers,
        "samples": samples,
        "answers": {**correct, **{f"{key}_best": right for key, right in right_at_best.items() if key in logged}},
    }


def run_test(trainer: pl.Trainer, method: Method, data: pl.LightningDataModule) -> tuple[dict[str, float], Recorder]:
    """Test the network with its present weights, and return the numbers and the recorder that watched the test.

    A conversion is calibrated with training samples in the order of the epoch that would follow the last one. So also a trainer
    that has only loaded the weights must know that all epochs are over.
    """
    trainer.fit_loop.epoch_progress.current.processed = trainer.max_epochs
    with Recorder(method.backbone, list(method.metrics.values()), method.watch, method.encoding) as method.recorder:
        (found,) = trainer.test(method, datamodule=data, verbose=False)
    recorder, method.recorder = method.recorder, None
    return found, recorder
