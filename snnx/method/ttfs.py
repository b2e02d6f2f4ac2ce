"""Time to first spike: the backbone has neurons that fire at most once, at spike times computed in closed form."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Literal

from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.backbone.weights import load_weights
from snnx.loss.loss import Loss
from snnx.method.ann_accuracy import ANNAccuracy
from snnx.method.base import Method
from snnx.method.calibration import calibration_images
from snnx.metric.metric import Metric
from snnx.scheduler.scheduler import MakesSchedule
from snnx.spike_time.constant_threshold import keep_threshold
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.planes import SpikePlanes, ValuePlanes
from snnx.spike_time.ramp import Ramp, set_scales
from snnx.spike_time.readout import EndMembrane, SpikeTime, StartMembrane
from snnx.spike_time.single_spikes import require_single_spikes

THRESHOLDS = ("dynamic", "constant", "none", "ramp")
INPUTS = {"time": SpikePlanes, "direct": ValuePlanes}
READOUTS = {"end_membrane": EndMembrane, "start_membrane": StartMembrane, "spike_time": SpikeTime}


class TTFS(Method):
    """Every neuron fires at most once, each layer in its own time window, and training uses the exact gradient of spike times.

        m, a    = input(images)             [B, C, H, W] -> [2, B, C, H, W]     fired or not, and 1 - t
        W, P    = backbone(m, a)            [2, B, K]
        scores  = readout(W, P)             [B, K]

    The backbones are those of the other methods, with `DynamicThreshold` as the neuron. Their first dimension holds the two
    planes `m` and `a` instead of time steps. The groups `encoding`, `neuron`, `surrogate` and `decoding` are not used.

    Args:
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`. The backbone may
            contain convolutions and linear layers without bias, max pooling and neurons only.
        input: with `time`, a pixel x in [0, 1] fires at time 1 - x; with `direct`, the first layer receives the pixel's value.
        threshold: `dynamic` falls from 1 to 0 during the window of its layer (the paper's DFT). `constant` stays at 1; there
            are no windows, and a spike affects only later times (the neuron of STDBP, "without DFT" in the paper).
            `none` trains and tests the equivalent ANN, whose activation is `clip(x, 0, 1)`. `ramp` trains or loads a ReLU
            network and tests it in spike times, which give the same function (see `Ramp`). Its layers may have a bias, its
            scores are potentials `P`, and the test also gives `test/ann_acc` and `test/conversion_loss`, as `Conversion` does.
        readout: `end_membrane` and `start_membrane` read the last layer's potential at the end and at the start of its window:
            `W + P` and `P`. The authors' code has both, and its training uses `P`. `spike_time` reads spike times, as in the
            paper.
        fire_at_end, clip: see `DynamicThreshold`.
        source: share of the epochs, at the start of training, in which the equivalent ANN is trained. The remaining epochs
            train the spike-time network from the ANN's weights, with the same optimizer and schedule. If it is above 0 and
            there are at least two epochs, each stage gets at least one. Validation and test always use the spike-time network.
        checkpoint: file of weights to start from, of the equivalent ANN, of a ReLU network (for `ramp`) or of another
            spike-time network with the same backbone; either a state dict or a checkpoint of snnx.
        calibration: for `ramp`, number of training samples from which the scales of the layers are found before a test; null
            takes the whole training set.
        steps: number of time steps in validation and test, divided equally among the windows of input, layers and read-out.
            Pixels, neurons and a firing read-out then fire at these steps only, as on clocked hardware. `None` computes exact
            spike times.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: `input`, `threshold` or `readout` is not one of its choices, `threshold=constant` is combined with
            `readout=spike_time` or `steps`, `threshold=ramp` is combined with another readout than `start_membrane` or with a
            `source`, `source` is outside [0, 1), `steps` is not a multiple of the number of windows, the backbone has a layer
            that does not keep single spikes, or the weights belong to another network.
        FileNotFoundError: the file of weights does not exist.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold (ICCV 2023), and its authors' code.

    Example:
        >>> import torch
        >>> from snnx.backbone.mlp import MLP
        >>> from snnx.scheduler.constant import Constant
        >>> method = TTFS(
        ...     backbone=partial(MLP, hidden=[16], bias=False), loss=torch.nn.CrossEntropyLoss(), metric={},
        ...     optimizer=torch.optim.Adam, scheduler=Constant, in_shape=(1, 8, 8), classes=3,
        ... )
        >>> method(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 3])
    """

    has_steps = False

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
        input: Literal["time", "direct"] = "time",
        threshold: Literal["dynamic", "constant", "none", "ramp"] = "dynamic",
        readout: Literal["end_membrane", "start_membrane", "spike_time"] = "end_membrane",
        fire_at_end: bool = False,
        clip: float | None = 11.0,
        source: float = 0.0,
        checkpoint: str | None = None,
        steps: int | None = None,
        calibration: int | None = 1000,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        if input not in INPUTS:
            raise ValueError(f"TTFS: input must be one of {', '.join(INPUTS)}; got {input}")
        if readout not in READOUTS:
            raise ValueError(f"TTFS: readout must be one of {', '.join(READOUTS)}; got {readout}")
        if threshold not in THRESHOLDS:
            raise ValueError(f"TTFS: threshold must be one of {', '.join(THRESHOLDS)}; got {threshold}")
        if threshold == "constant" and (readout == "spike_time" or steps is not None):
            raise ValueError(
                f"TTFS: threshold=constant must have readout=end_membrane or start_membrane, and steps=null, since its neurons "
                f"have no windows; got {readout} and {steps}"
            )
        if not 0 <= source < 1:
            raise ValueError(f"TTFS: source must be a share of the epochs in [0, 1); got {source}")
        ramp = threshold == "ramp"
        if ramp and (readout != "start_membrane" or source):
            raise ValueError(
                "TTFS: threshold=ramp must have readout=start_membrane, whose scores are those of the ReLU network, and "
                f"source=0, since that network is trained in all epochs; got {readout} and {source:g}"
            )
        if calibration is not None and calibration < 1:
            raise ValueError(f"TTFS: calibration must be at least 1; got {calibration}")
        neuron = Ramp if ramp else partial(DynamicThreshold, fire_at_end=fire_at_end, clip=clip)
        built = backbone(neuron=neuron, in_shape=in_shape, classes=classes, width=width)
        require_single_spikes(built, who="TTFS", biases=ramp)
        if checkpoint is not None:
            load_weights(built, checkpoint, name="method.checkpoint")
        neurons = [module for module in built.modules() if isinstance(module, DynamicThreshold)]
        encoding = INPUTS[input](in_channels=in_shape[0])
        windows = encoding.windows + len(neurons) + 1
        if steps is not None and (steps < windows or steps % windows):
            raise ValueError(
                f"TTFS: steps must be a multiple of {windows}, the number of windows of input, layers and read-out; got {steps}"
            )
        encoding.steps = steps and steps // windows
        for place, module in enumerate(neurons):
            module.window, module.steps = encoding.windows + place, encoding.steps
        fires = {"fire_at_end": fire_at_end, "clip": clip, "steps": encoding.steps} if readout == "spike_time" else {}
        if threshold == "constant":
            keep_threshold(built, values=input == "direct", clip=clip, at=READOUTS[readout].at)
        super().__init__(
            encoding=encoding,
            backbone=built,
            decoding=READOUTS[readout](**fires),
            loss=loss,
            metric=metric,
            watch=watch,
            optimizer=optimizer,
            scheduler=scheduler,
        )
        self.source, self.calibration = float(source), calibration
        self.ann, self.ramp, self.converts = threshold == "none", ramp, ramp
        self._as_source = self.ann
        self._ann = ANNAccuracy()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        self._as_source = self.ann or self.ramp or self.current_epoch < self._source_epochs(self.trainer.max_epochs)
        loss = super().training_step(batch, batch_idx)
        self._as_source = self.ann
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        self._as_source = self.ann or self.ramp
        found = super().validation_step(batch, batch_idx)
        self._as_source = self.ann
        return found

    def convert(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Give the layers of `threshold=ramp` the scales of the present weights, from images `[B, C, H, W]`."""
        set_scales(self.backbone, lambda: (self.encoding(images)[1:] for images in batches()))

    def calibration_images(self, data: LightningDataModule) -> Iterator[Tensor]:
        """Yield the training samples from which scales are found; see `snnx.method.calibration`."""
        return calibration_images(data, self.device, self.calibration)

    def on_test_epoch_start(self) -> None:
        if self.ramp:
            self.convert(lambda: self.calibration_images(self.trainer.datamodule))
            self._ann = ANNAccuracy()
        super().on_test_epoch_start()

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        found = super().test_step(batch, batch_idx)
        if not self.ramp:
            return found
        images, labels = batch
        return found | self._ann.see(self.backbone(self.encoding(images)[1:])[0].argmax(1) == labels)

    def on_test_epoch_end(self) -> None:
        _, correct, samples, _ = self._sums["test"].tolist()
        super().on_test_epoch_end()
        if self.ramp:
            self.log_dict(self._ann.scalars(correct / samples))

    def _source_epochs(self, epochs: int) -> int:
        return min(max(1, round(self.source * epochs)), epochs - 1) if self.source else 0

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores `[B, K]` of images `[B, C, H, W]`; while an ANN or ReLU network is trained, its scores."""
        if not self._as_source:
            return super().forward(images)
        values = self.encoding(images)[1:]
        if self.recorder is not None:
            self.recorder.see_input(images, values)
        outputs = self.backbone(values)
        if self.recorder is not None:
            self.recorder.see_output(outputs, EndMembrane())
        return outputs[0]
