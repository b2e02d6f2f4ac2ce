"""Counts how often each step of a real run waits for the pretended card."""

from collections import Counter
from dataclasses import dataclass, field

import pytorch_lightning as pl
from pretended_gpu import Seen
from pytorch_lightning.loops.evaluation_loop import _EvaluationLoop
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop

from snnx.bench.steps import moments
from snnx.method.base import LOOK_EVERY
from snnx.run.callback.first_losses import FirstLosses
from snnx.run.callback.paths import Paths
from snnx.run.callback.progress import Progress
from snnx.run.callback.warn import Warn

WATCHING = {FirstLosses, Paths, Progress, Warn}
"""The callbacks of a run that do something in each training step."""
STEP_HOOKS = ("on_train_batch_start", "on_before_zero_grad", "on_before_backward", "on_after_backward",
              "on_before_optimizer_step", "on_train_batch_end")  # fmt: skip


@dataclass
class Steps:
    """The waits of each batch, by the epoch and the phase (`train`, `validate`, `test`), and who watched the training."""

    waits: dict[tuple[int, str], list[Counter[str]]] = field(default_factory=dict)
    moments_on: dict[int, set[str]] = field(default_factory=dict)
    """The devices of the optimizer's moments, by epoch."""
    watching: set[type] = field(default_factory=set)


def looked_at(batch: int, batches: int) -> bool:
    """Whether the loss of this batch, counted from 0, is checked on a card."""
    return batch % LOOK_EVERY == 0 or batch + 1 == batches


def count_steps(card: Seen, monkeypatch) -> Steps:
    """Let Lightning's loops note the waits of each batch: from where it is fetched to the end of its last callback."""
    found, train, evaluate = Steps(), _TrainingEpochLoop.advance, _EvaluationLoop._evaluation_step

    def counted(trainer: pl.Trainer, phase: str, step, *given):
        before = card.waits.copy()
        result = step(*given)
        found.waits.setdefault((trainer.current_epoch, phase), []).append(card.waits - before)
        return result

    def training(loop, *given):
        trainer = loop.trainer
        result = counted(trainer, "train", train, loop, *given)
        devices = {value.device.type for value in moments(trainer.optimizers[0]) if value.ndim}
        found.moments_on.setdefault(trainer.current_epoch, set()).update(devices)
        kinds = {type(one) for one in trainer.callbacks}
        found.watching |= {one for one in kinds for hook in STEP_HOOKS if getattr(one, hook) is not getattr(pl.Callback, hook)}
        return result

    monkeypatch.setattr(_TrainingEpochLoop, "advance", training)
    monkeypatch.setattr(
        _EvaluationLoop,
        "_evaluation_step",
        lambda loop, *given: counted(loop.trainer, "test" if loop.trainer.testing else "validate", evaluate, loop, *given),
    )
    return found
