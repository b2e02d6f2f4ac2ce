"""Conversion: a ReLU network is trained or loaded, then spiking neurons transmit its activations by a code."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from pytorch_lightning import LightningDataModule
from spikingjelly.activation_based import functional
from torch import Tensor, nn
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.backbone.weights import load_weights
from snnx.conversion.activation import activation_named
from snnx.conversion.ceilings import ceilings
from snnx.conversion.code.choice import code_named
from snnx.conversion.fits import require_fitting
from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.links import links
from snnx.conversion.scaling import Scaling
from snnx.conversion.targets import tell_targets, worst
from snnx.loss.loss import Loss
from snnx.method.ann_accuracy import ANNAccuracy
from snnx.method.base import Method
from snnx.method.calibration import calibration_images
from snnx.metric.metric import Metric
from snnx.metric.pieces import require_pieces
from snnx.scheduler.scheduler import MakesSchedule


class Conversion(Method):
    """Trains the backbone with ReLU; a test converts it to spiking neurons and simulates them for `timesteps` steps.

        train, validate:  scores = backbone(images)                                       [1, B, C, H, W] -> [1, B, K]
        test:             outputs = converted(piece of the input), piece after piece      [c, B, C, H, W] -> [c, B, K]
                          scores  = the code's decoding of all outputs so far             [B, K]

    A code says how activations become spikes; by default, they are firing rates of integrate-and-fire neurons. The steps are
    simulated in pieces and the neurons keep their state between pieces, so that memory is needed for one piece only. `val/acc`
    is the accuracy of the ReLU network, and `test/acc` is that of the spiking network after the last step. The test also gives
    `test/ann_acc`, the ReLU network's test accuracy, and `test/conversion_loss`, the difference of the two. The groups
    `encoding`, `neuron`, `surrogate` and `decoding` are not used, since this method brings its own.

    Runs that differ only in how the network is converted train the same network. The first one trains it, and the others take
    it over; see `snnx.run.shared_training`.

    Args:
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`. The backbone may
            contain convolutions, linear layers, batch norms, average pooling and sums only.
        timesteps: number of time steps in a test.
        piece: how many steps are simulated at once.
        code: `rate`, `phase`, `burst`, `t2fsnn` or `park`; see the classes in `snnx.conversion.code`.
        start, duration: for `t2fsnn` and `park`, when each layer fires; see `snnx.conversion.code.windows`.
        tuning: for `t2fsnn`, passes over the calibration samples in which the kernels are tuned.
        input: for `rate`, `current` feeds the image itself at every step, and `poisson` draws spikes with the pixel values as
            probabilities. The other codes have their own input, whose pixels must be in [0, 1].
        activation: `relu`; or `clipped`, whose upper bound is learned and then used as the layer's scale (see `Clipped`); or
            for `park`, `kernel` (see `TemporalKernel`).
        levels: number of levels to which `clipped` rounds its output; null does not round.
        ceiling: upper bound of each `clipped` or `kernel` layer when training starts.
        normalise: whether the scales are applied to the `weight`s or to the `threshold`s (see `convert`); or `spikingjelly`,
            for SpikingJelly's own conversion.
        percentile: percentile of the activations that becomes the scale, in (0, 100]; null takes their maximum.
        percentile_over: whether the percentile is of the `nonzero` activations or of `all`; SpikingJelly's conversion uses all.
        per_channel: whether each channel gets a scale, instead of each layer.
        calibration: maximum number of training samples from which the scales are computed; null takes the whole training set.
        scales: whether the scales are taken from `activations`, or from the currents that `spikes` cause (see `spike_maxima`).
        scale_factor: factor on every scale, such as 0.8: below 1, fewer steps are needed, and large activations are cut.
        initial: initial potential as a share of the threshold; 0.5 halves the error for a small number of steps.
        bias_calibration: whether biases are corrected for the errors that the firing rates have after `timesteps` steps (see
            `calibrate_biases`).
        checkpoint: file of weights for the backbone, to convert without training (`trainer.max_epochs=0`) or to train further.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: an argument is not one of its choices or is out of range, the backbone has a layer that cannot be converted,
            a metric needs all steps at once or more steps than there are, the code cannot take the backbone, the number of
            steps or another argument, or the checkpoint belongs to another network.

    Source: On the Future of Training Spiking Neural Networks, section 2.2; Rueckauer et al., 2017.

    Example:
        >>> import torch
        >>> from functools import partial
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.scheduler.constant import Constant
        >>> method = Conversion(
        ...     backbone=partial(ConvNet, channels=[4]), loss=nn.CrossEntropyLoss(), metric={}, optimizer=torch.optim.Adam,
        ...     scheduler=Constant, in_shape=(1, 8, 8), classes=3, timesteps=2000, piece=200,
        ... ).eval()
        >>> images = torch.rand(2, 1, 8, 8)
        >>> scores = method(images)                                             # of the ReLU network
        >>> method.convert(lambda: [images]).stages.sn1
        IF(...v_threshold=1.0, v_reset=None...)
        >>> bool((method(images) - scores).abs().max() < 0.01)                  # of the spiking network
        True
    """

    has_targets = True
    converts = True
    has_steps = False
    test_only = (
        "timesteps", "piece", "code", "start", "tuning", "input", "normalise", "percentile", "percentile_over", "per_channel",
        "calibration", "scales", "scale_factor", "initial", "bias_calibration",
    )  # fmt: skip

    def __init__(
        self,
        *,
        backbone: MakesBackbone,
        loss: Loss,
        metric: dict[str, Metric],
        optimizer: Callable[[Iterable[dict]], Optimizer],
        scheduler: MakesSchedule,
        in_shape: tuple[int, int, int],
        classes: int,
        timesteps: int = 100,
        piece: int = 10,
        code: Literal["rate", "phase", "burst", "t2fsnn", "park"] = "rate",
        start: int = 80,
        duration: int = 80,
        tuning: int = 6,
        input: Literal["current", "poisson"] = "current",
        activation: Literal["relu", "clipped", "kernel"] = "relu",
        levels: int | None = 8,
        ceiling: float = 8.0,
        normalise: Literal["weight", "threshold", "spikingjelly"] = "weight",
        percentile: float | None = None,
        percentile_over: Literal["nonzero", "all"] = "nonzero",
        per_channel: bool = False,
        calibration: int | None = 1000,
        scales: Literal["activations", "spikes"] = "activations",
        scale_factor: float = 1.0,
        initial: float = 0.0,
        bias_calibration: bool = False,
        checkpoint: str | None = None,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        neuron = activation_named(activation, levels=levels, ceiling=ceiling, duration=duration)
        for name, value in (("timesteps", timesteps), ("piece", piece), ("calibration", calibration)):
            if value is not None and value < 1:
                raise ValueError(f"Conversion: {name} must be at least 1; got {value}")
        scaling = Scaling(
            normalise=normalise, percentile=percentile, percentile_over=percentile_over, per_channel=per_channel, scales=scales,
            scale_factor=float(scale_factor), initial=float(initial), bias_calibration=bias_calibration,
            clipped=activation == "clipped",
        )  # fmt: skip
        how = code_named(
            code, scaling=scaling, input=input, activation=activation, timesteps=timesteps, piece=piece, channels=in_shape[0],
            start=start, duration=duration, tuning=tuning,
        )  # fmt: skip
        require_pieces(metric, timesteps, has_rates=how.has_rates, has_thresholds=how.has_thresholds, who="Conversion")
        built = backbone(neuron=neuron, in_shape=in_shape, classes=classes, width=width)
        if checkpoint is not None:
            load_weights(built, checkpoint, name="method.checkpoint")
        how.require_fitting(links(fold_norm(built, in_shape, who="Conversion"), in_shape), timesteps)
        super().__init__(
            encoding=how.encoding,
            backbone=built,
            decoding=how.decoding,
            loss=loss,
            metric=metric,
            watch=watch,
            optimizer=optimizer,
            scheduler=scheduler,
        )
        self.in_shape, self.timesteps, self.calibration = tuple(in_shape), timesteps, calibration
        self.code, self.ceiling = how, float(ceiling)
        # a tuple, so that torch does not register the spiking network as a submodule and save it
        self._made: tuple[nn.Module, dict[str, Tensor]] | None = None
        self._ann = ANNAccuracy()

    @property
    def tested(self) -> nn.Module:
        return self.backbone if self._made is None else self._made[0]

    @property
    def _simulates(self) -> bool:
        """Whether `forward` simulates spikes: after `convert`, in a test or without a trainer."""
        return self._made is not None and (self._trainer is None or self.trainer.testing)

    def convert(self, batches: Callable[[], Iterable[Tensor]]) -> nn.Module:
        """Convert the backbone with its present weights to a spiking network, and return that.

        Each call of `batches` must return an iterable over the images `[B, C, H, W]` that are used for calibration.

        Raises:
            ValueError: nothing was trained, and the weights do not fit the network or the images; see `require_fitting`.
        """
        if self.recorder is not None:
            self.recorder.watch(nn.Identity())  # stop watching the backbone, or its copy would be watched too
        if self._trainer is not None and not self.trainer.max_epochs:  # the weights were loaded
            require_fitting(self.backbone, next(iter(batches())))
        folded = fold_norm(self.backbone, self.in_shape, who="Conversion")
        self._made = self.code.convert(folded, self.in_shape, batches, lambda: self._simulations(batches()))
        if self.recorder is not None:
            self.recorder.watch(self.tested)
        return self.tested

    def _simulations(self, batches: Iterable[Tensor]) -> Iterator[tuple[Tensor, Iterator[Tensor]]]:
        """Yield batches of images with their encoded input; every call yields the same input, even for a random encoding."""
        self.encoding.begin_evaluation()
        for images in batches:
            functional.reset_net(self.encoding)
            yield images, self._pieces(images)

    def _pieces(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the encoded images of all time steps, a few steps at a time, as `[c, B, C, H, W]` with c steps."""
        for first in range(0, self.timesteps, self.encoding.timesteps):
            yield self.encoding(images)[: self.timesteps - first]

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores `[B, K]` of images `[B, C, H, W]`: in a test the spiking network's, else the ReLU network's."""
        if self.training or not self._simulates:
            return self.backbone(self.code.transmitted(images)[None])[0]
        for part in (self.encoding, self.tested, self.decoding):
            functional.reset_net(part)
        scores = None
        for number, encoded in enumerate(self._pieces(images)):
            if self.recorder is not None:
                self.recorder.next_piece() if number else self.recorder.see_input(images, encoded)
            outputs = self.tested(encoded)
            if self.recorder is not None:
                self.recorder.see_output(outputs, self.decoding)
            scores = self.decoding(outputs)
        return scores

    def on_train_start(self) -> None:
        images = next(self.calibration_images(self.trainer.datamodule))
        self.encoding(images)  # raises an error now rather than after the training

    def on_test_epoch_start(self) -> None:
        self.convert(lambda: self.calibration_images(self.trainer.datamodule))
        if text := ceilings(self.backbone, self.ceiling):
            print(f"snnx: {text}", flush=True)
        self._ann = ANNAccuracy()
        # start the generator after the conversion, so that the test's random spikes are the same with any calibration
        super().on_test_epoch_start()

    def calibration_images(self, data: LightningDataModule) -> Iterator[Tensor]:
        """Yield the training samples from which scales are computed; see `snnx.method.calibration`."""
        return calibration_images(data, self.device, self.calibration)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        images, labels = batch
        ann_correct = tell_targets(self.backbone, *self._made, self.code.transmitted(images)).argmax(1) == labels
        return {**super().test_step(batch, batch_idx), **self._ann.see(ann_correct)}

    def on_test_epoch_end(self) -> None:
        _, correct, samples, _ = self._sums["test"].tolist()
        super().on_test_epoch_end()
        self.log_dict(self._ann.scalars(correct / samples))
        if self.recorder is not None and (errors := self.recorder.curves("test").get("conversion_error")):
            print(f"snnx: {worst(errors)}", flush=True)
