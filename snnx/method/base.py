"""The base class of training methods: encodes, runs, decodes, sums loss and accuracy, and logs once per epoch."""

import math
from collections.abc import Callable, Iterable
from typing import ClassVar

import pytorch_lightning as pl
import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn
from torch.optim import Optimizer

from snnx.decoding.decoding import Decoding
from snnx.loss.loss import Loss, reads_every_step
from snnx.method.finite import Diverged, first_nonfinite
from snnx.method.shapes import require_input, require_outputs, require_scores
from snnx.metric.metric import Metric
from snnx.metric.recorder import Recorder
from snnx.neuron.spiking import spiking_layers
from snnx.norm.norm import Norm, require_steps
from snnx.scheduler.scheduler import MakesSchedule

LOOK_EVERY = 50  # on a GPU the loss is checked only every so many batches, because each check waits for the GPU


class Method(pl.LightningModule):
    """The pipeline `encoding -> backbone -> decoding -> loss` as a LightningModule.

        encoded = encoding(images)      [B, C, H, W] -> [T, B, C', H, W]
        outputs = backbone(encoded)     [T, B, K]
        scores  = decoding(outputs)     [B, K]

    The state of every neuron is reset at the start of each forward pass, so that no batch is affected by the previous one. Loss
    and accuracy are summed as tensors and logged once per epoch, because a log call per step costs as much as a training step
    of a small network. Metrics record only during a test.

    Shape:
        images `[B, C, H, W]`, or event frames `[B, T, C, H, W]`, to scores `[B, K]`.

    Args:
        encoding, backbone, decoding, loss: the modules of the pipeline.
        metric: the metrics to record in a test, by name.
        watch: shell pattern for the names of the backbone's neuron layers that the metrics read, such as `*`.
        optimizer: makes an optimizer from parameter groups.
        scheduler: makes a learning-rate schedule from `(optimizer, total_steps)`; it is stepped after every batch.

    Raises:
        ValueError: a metric needs target values for the neurons, which only `method=conversion` has, or the loss reads the
            outputs of every time step and this method trains without time steps, or a norm has parameters for another number of
            steps than the encoding returns, or SpikingJelly's neurons would treat the time dimension as samples.
    """

    has_targets = False
    """Whether the neurons of the tested network have target rates, which some metrics read."""
    converts = False
    """Whether a test converts the trained network by the method's `convert`, and tests the result."""
    has_steps = True
    """Whether training computes the outputs of every time step, `[T, B, K]`, which a loss may read."""

    test_only: ClassVar[tuple[str, ...]] = ()
    """The arguments that only the test reads. Runs that differ in nothing else train the same network, which trains once.

    It holds for this class alone: a class that derives from it may train differently, and must name them again.
    """

    least_epochs = 1
    """The number of epochs below which a scale does not shorten a training, as one for each stage."""

    def __init__(
        self,
        *,
        encoding: nn.Module,
        backbone: nn.Module,
        decoding: Decoding,
        loss: Loss,
        metric: dict[str, Metric],
        watch: str,
        optimizer: Callable[[Iterable[dict]], Optimizer],
        scheduler: MakesSchedule,
    ) -> None:
        if not self.has_targets and (asked := [name for name, one in metric.items() if one.needs_targets]):
            raise ValueError(
                f"{type(self).__name__}: metric must not need target rates, which only method=conversion has; "
                f"got {', '.join(asked)}"
            )
        if reads_every_step(loss) and not self.has_steps:
            raise ValueError(
                f"{type(self).__name__}: loss must read the decoded scores, since this method trains without time steps; "
                f"got {type(loss).__name__}, which reads the outputs of every step; choose loss=cross_entropy or method=direct"
            )
        for module in backbone.modules():
            if isinstance(module, Norm):
                require_steps(module, encoding.timesteps)
        for layer in (*spiking_layers(encoding).values(), *spiking_layers(backbone).values()):
            if getattr(layer, "step_mode", "m") != "m":
                raise ValueError(
                    f"{type(self).__name__}: neuron.step_mode must be m, since layers pass all time steps at once; "
                    f"got {layer.step_mode} of {type(layer).__name__}"
                )
        super().__init__()
        self.encoding = encoding
        self.backbone = backbone
        self.decoding = decoding
        self.loss = loss
        self.metrics = metric
        self.watch = watch
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._sums: dict[str, Tensor] = {}  # four sums for train, val and test; see `_count`
        self.recorder: Recorder | None = None

    def require_epochs(self, epochs: int) -> None:
        """Raise a ValueError if the method cannot train for so few epochs; 0 is a test without training."""

    @property
    def trained(self) -> nn.Module:
        """The network that is trained in this epoch. It is the backbone, unless the method trains another network first."""
        return self.backbone

    @property
    def tested(self) -> nn.Module:
        """The network that is tested: the backbone, unless the method converts it to another network."""
        return self.backbone

    @property
    def formulas(self) -> dict[str, str]:
        """Formulas of the metrics, by the key of the number that each one explains."""
        return {f"test/{curve}": text for metric in self.metrics.values() for curve, text in metric.formulas.items()}

    @property
    def exact(self) -> list[str]:
        """The keys of the numbers in the result that training cannot change."""
        return [f"test/{curve}" for metric in self.metrics.values() for curve in metric.exact]

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores `[B, K]` of images `[B, C, H, W]`; all neurons start from rest."""
        return self.run(images)[1]

    def run(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the backbone's outputs at every step, `[T, B, K]`, and the scores that are decoded from them, `[B, K]`."""
        functional.reset_net(self)
        encoded = self.encoding(images)
        require_input(self.encoding, encoded, len(images))
        if self.recorder is not None:
            self.recorder.see_input(images, encoded)
        outputs = self.backbone(encoded)
        require_outputs(self.backbone, outputs, len(images))
        if self.recorder is not None:
            self.recorder.see_output(outputs, self.decoding)
        scores = self.decoding(outputs)
        require_scores(self.decoding, scores, outputs)
        return outputs, scores

    def scores_and_loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores `[B, K]` of a batch and its loss, which is computed from the scores or from all steps' outputs."""
        if reads_every_step(self.loss):
            outputs, scores = self.run(images)
            return scores, self.loss(outputs, labels)
        scores = self(images)
        return scores, self.loss(scores, labels)

    def learn_from(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores and loss of a training batch; a method that changes the weights itself overrides this."""
        return self.scores_and_loss(images, labels)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        scores, loss = self.learn_from(images, labels)
        if loss.numel() != 1:
            raise ValueError(
                f"loss must give one number for a batch; got {type(self.loss).__name__} with a result of shape "
                f"{list(loss.shape)}: take its mean"
            )
        hard = labels if labels.ndim == 1 else labels.argmax(1)
        self._count("train", loss.detach(), scores.argmax(1) == hard)
        steps = int(self.trainer.num_training_batches)
        if self._looks("train", batch_idx):
            self._require_finite("train", images, steps)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return whether each sample was classified correctly, `[B]`, by the key of the accuracy that is their mean."""
        return self._evaluate("val", batch, batch_idx)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return the same as `validation_step`, with the further accuracies that the metrics measure."""
        return self._evaluate("test", batch, batch_idx)

    def _looks(self, split: str, batch_idx: int) -> bool:
        """Whether to check the loss of this batch: on a CPU always, on a GPU rarely and at the last batch of the epoch."""
        if self.device.type == "cpu" or batch_idx % LOOK_EVERY == 0:
            return True
        if split == "train":
            return batch_idx + 1 == self.trainer.num_training_batches
        (batches,) = self.trainer.num_val_batches if split == "val" else self.trainer.num_test_batches  # of one loader
        return batch_idx + 1 == batches

    def _evaluate(self, split: str, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        images, labels = batch
        if self.recorder is not None:
            self.recorder.labels = labels
        scores, loss = self.scores_and_loss(images, labels)
        correct = scores.argmax(1) == labels
        self._count(split, loss, correct)
        if self._looks(split, batch_idx):
            self._require_finite(split, images, 0)
        found = {f"{split}/acc": correct}
        if self.recorder is not None:
            found |= {f"{split}/{name}": right for metric in self.recorder.metrics for name, right in metric.correct().items()}
            self.recorder.end_batch(correct)
        return found

    def _count(self, split: str, loss: Tensor, correct: Tensor) -> None:
        size = len(correct)
        counted = loss.new_full((), size, dtype=torch.float64)  # made on the device: a copy would make the host wait
        new = torch.stack([loss.double() * size, correct.sum().double(), counted])
        if split in self._sums:
            new = new + self._sums[split][:3]
        finite = torch.isfinite(new[0]).double()  # of the summed losses, so it stays 0 after the first bad loss
        self._sums[split] = torch.cat([new, (finite + self._sums[split][3] if split in self._sums else finite)[None]])

    def _require_finite(self, split: str, images: Tensor, steps: int) -> None:
        """Stop if the loss is no longer finite, and say at which step and in which layer this began.

        Raises:
            Diverged: the sum of losses is infinite or NaN.
        """
        total, _, _, finite = self._sums[split].tolist()
        if math.isfinite(total):
            return
        step = f" at step {self.current_epoch * steps + int(finite) + 1}" if split == "train" else ""
        layer = first_nonfinite(self, lambda: self(images)) or "none but the loss"
        raise Diverged(
            f"{split} loss must stay finite; got {total}: diverged{step} in epoch {self.current_epoch + 1}, "
            f"first layer that is not finite: {layer}; lower optimizer.lr"
        )

    def _log_epoch(self, split: str) -> None:
        loss, correct, samples, _ = self.trainer.strategy.reduce(self._sums.pop(split), reduce_op="sum").tolist()
        self.log_dict({f"{split}/loss": loss / samples, f"{split}/acc": correct / samples}, sync_dist=True)

    def on_validation_epoch_start(self) -> None:
        self.encoding.begin_evaluation()

    def on_test_epoch_start(self) -> None:
        self.encoding.begin_evaluation()

    def on_train_epoch_end(self) -> None:
        self._log_epoch("train")

    def on_validation_epoch_end(self) -> None:
        self._log_epoch("val")

    def on_test_epoch_end(self) -> None:
        self._log_epoch("test")

    def configure_optimizers(self) -> dict:
        """Build optimizer and schedule; weight decay applies only to parameters of two or more dimensions.

        Decay of a norm's gain, a bias, or the scalar of PLIF or KLIF would pull it, for example a time constant, towards an
        arbitrary value.
        """
        optimizer = self._optimizer(self.parameter_groups())
        total_steps = max(1, int(self.trainer.estimated_stepping_batches))
        schedule = self._scheduler(optimizer, total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def parameter_groups(self) -> list[dict]:
        """Return the parameters with weight decay and those without, as the groups of an optimizer."""
        decayed = [p for p in self.parameters() if p.ndim > 1]
        plain = [p for p in self.parameters() if p.ndim <= 1]
        return [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
