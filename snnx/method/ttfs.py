"""Time to first spike: the backbone is built with neurons that fire at most once, at times solved in closed form."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from snnx.backbone.backbone import MakesBackbone
from snnx.backbone.weights import load_weights
from snnx.layer.shortcut import Shortcut
from snnx.loss.loss import Loss
from snnx.method.base import Method
from snnx.metric.metric import Metric
from snnx.norm.none import NoNorm
from snnx.norm.norm import Norm
from snnx.spike_time.constant_threshold import keep_threshold
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.planes import SpikePlanes, ValuePlanes
from snnx.spike_time.readout import EndMembrane, SpikeTime

THRESHOLDS = ("dynamic", "constant", "none")
INPUTS = {"time": SpikePlanes, "direct": ValuePlanes}
READOUTS = {"end_membrane": EndMembrane, "spike_time": SpikeTime}
NORM = "a norm moves spikes out of their window; set norm=none, or choose backbone=mlp or scnn, which have none"
BREAKS = {  # what a backbone may not hold, and what to do
    nn.AvgPool2d: "an average of spikes is no spike; choose backbone=mlp, or scnn or vgg with backbone.pool=max",
    Shortcut: "a sum of spikes is no spike; choose backbone=mlp, scnn or vgg",
    nn.modules.batchnorm._NormBase: NORM,
    nn.LayerNorm: NORM,
    Norm: NORM,
}


class TTFS(Method):
    """Every neuron fires at most once, each layer in a window of its own, and training follows the exact gradient of the times.

        m, a    = input(images)             [B, C, H, W] -> [2, B, C, H, W]     fired or not, and 1 - t
        W, P    = backbone(m, a)            [2, B, K]
        scores  = readout(W, P)             [B, K]

    The backbone is the one of every other method, with `DynamicThreshold` for its neurons; two planes take the place of steps.
    `encoding`, `neuron`, `surrogate` and `decoding` are no part of it.

    Args:
        backbone: completed here with `neuron`, `in_shape`, `classes` and `width`; convolutions or linear layers without bias,
            maxima and neurons only.
        input: `time` lets a pixel x of [0, 1] fire at 1 - x; `direct` gives the first layer its value.
        threshold: `dynamic` falls from 1 to 0 in the window of its layer (DFT); `constant` stays at 1, and without windows a
            spike counts for what comes after it only: the neuron of STDBP, "without DFT"; `none` stays with the identical ANN,
            whose neuron is `clip(x, 0, 1)`.
        readout: `end_membrane`, the last layer's potential, as in the authors' code; `spike_time`, as in the paper.
        fire_at_end, clip: see `DynamicThreshold`.
        source: share of the epochs, from the first on, in which that ANN is trained; the rest goes on from its weights, by the
            same optimizer and schedule. Above 0 each stage has an epoch at least, of two or more. Validation and test see the
            network of spike times also then.
        checkpoint: a file of weights to start from, of that ANN or of another network of spike times on the same backbone: a
            state dict, or a checkpoint of snnx.
        steps: of time in validation and test, from the first window to the read-out's, the same number in each: pixels, layers
            and a read-out that fires do so at steps only, as on clocked hardware; `None` solves for the exact times.
        in_shape: `(C, H, W)` of the data set.
        classes: of the data set.
        width: of the scale.
        loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: `input`, `threshold` or `readout` is not one of those above, a constant threshold is asked for spike times
            or steps, `source` is outside [0, 1), `steps` is no multiple of the windows, the backbone holds a layer with which
            single spikes end, or the weights are another network's.
        FileNotFoundError: there are no such weights.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold (ICCV 2023), and its authors' code.
    """

    has_steps = False

    def __init__(
        self,
        *,
        backbone: MakesBackbone,
        loss: Loss,
        metric: dict[str, Metric],
        optimizer: Callable[[Iterable[dict]], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler],
        in_shape: tuple[int, int, int],
        classes: int,
        input: Literal["time", "direct"] = "time",
        threshold: Literal["dynamic", "constant", "none"] = "dynamic",
        readout: Literal["end_membrane", "spike_time"] = "end_membrane",
        fire_at_end: bool = False,
        clip: float | None = 11.0,
        source: float = 0.0,
        checkpoint: str | None = None,
        steps: int | None = None,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        if input not in INPUTS:
            raise ValueError(f"TTFS: input must be one of {', '.join(INPUTS)}; got {input}")
        if readout not in READOUTS:
            raise ValueError(f"TTFS: readout must be one of {', '.join(READOUTS)}; got {readout}")
        if threshold not in THRESHOLDS:
            raise ValueError(f"TTFS: threshold must be one of {', '.join(THRESHOLDS)}; got {threshold}")
        if threshold == "constant" and (readout != "end_membrane" or steps is not None):
            raise ValueError(
                f"TTFS: threshold=constant must have readout=end_membrane and steps=null, since its neurons have no windows; "
                f"got {readout} and {steps}"
            )
        if not 0 <= source < 1:
            raise ValueError(f"TTFS: source must be a share of the epochs in [0, 1); got {source}")
        neuron = partial(DynamicThreshold, fire_at_end=fire_at_end, clip=clip)
        built = backbone(neuron=neuron, in_shape=in_shape, classes=classes, width=width)
        _require_single_spikes(built)
        if checkpoint is not None:
            load_weights(built, checkpoint, name="method.checkpoint")
        neurons = [module for module in built.modules() if isinstance(module, DynamicThreshold)]
        encoding = INPUTS[input](in_channels=in_shape[0])
        windows = encoding.windows + len(neurons) + 1
        if steps is not None and (steps < windows or steps % windows):
            raise ValueError(
                f"TTFS: steps must be a multiple of {windows}, the windows of input, layers and read-out, one after another; "
                f"got {steps}"
            )
        encoding.steps = steps and steps // windows
        for place, module in enumerate(neurons):
            module.window, module.steps = encoding.windows + place, encoding.steps
        fires = {"fire_at_end": fire_at_end, "clip": clip, "steps": encoding.steps} if readout == "spike_time" else {}
        if threshold == "constant":
            keep_threshold(built, values=input == "direct", clip=clip)
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
        self.source = float(source)
        self.ann = threshold == "none"
        self._as_source = self.ann

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        self._as_source = self.ann or self.current_epoch < self._source_epochs(self.trainer.max_epochs)
        loss = super().training_step(batch, batch_idx)
        self._as_source = self.ann
        return loss

    def _source_epochs(self, epochs: int) -> int:
        return min(max(1, round(self.source * epochs)), epochs - 1) if self.source else 0

    def forward(self, images: Tensor) -> Tensor:
        """Scores `[B, K]` of images `[B, C, H, W]`; in the source's epochs of training, those of the ANN."""
        if not self._as_source:
            return super().forward(images)
        values = self.encoding(images)[1:]
        if self.recorder is not None:
            self.recorder.see_input(images, values)
        outputs = self.backbone(values)
        if self.recorder is not None:
            self.recorder.see_output(outputs, EndMembrane())
        return outputs[0]


def _require_single_spikes(network: nn.Module) -> None:
    """Refuse a network of which the two planes would not come out as spikes again.

    Raises:
        ValueError: a layer pools by the average, normalises, or has a bias.
    """
    for name, module in network.named_modules():
        for kind, reason in BREAKS.items():
            if isinstance(module, kind) and not isinstance(module, NoNorm):
                if reason is NORM:
                    raise ValueError(f"TTFS: backbone must hold no norm; got {name} ({type(module).__name__}): {reason}")
                raise ValueError(f"TTFS: backbone must hold no {kind.__name__}; got {name}: {reason}")
    for name, module in network.named_modules():
        if getattr(module, "bias", None) is not None:
            raise ValueError(f"TTFS: backbone must have no bias; got one in {name}: set backbone.bias=false")
