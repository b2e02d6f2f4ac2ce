"""Direct training: the backbone has spiking neurons and is trained by backpropagation through time."""

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.decoding.decoding import Decoding
from snnx.loss.loss import Loss
from snnx.method.base import Method
from snnx.metric.metric import Metric
from snnx.neuron.take_norms import take_norms
from snnx.scheduler.scheduler import MakesSchedule


class Direct(Method):
    """Backpropagation through the unrolled network, with the surrogate's slope in place of the step function's derivative.

        dL/dW = sum over t of dL/ds[t] * ds[t]/dh[t] * dh[t]/dW,    ds/dh = surrogate slope at h - v_threshold

    Autograd computes this from the graph of `Method.forward`, so the class adds nothing to `Method` but the construction.

    Args:
        encoding: makes the encoding; it is called here with `in_channels`.
        neuron: makes one neuron layer.
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        decoding, loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: see `Method`.

    Source: Direct Training of Spiking Transformers, Eq 3.

    Example:
        >>> import torch
        >>> from functools import partial
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> from snnx.encoding.repeat import Repeat
        >>> from snnx.neuron.lif import LIF
        >>> from snnx.scheduler.constant import Constant
        >>> method = Direct(
        ...     encoding=partial(Repeat, timesteps=4), neuron=LIF, backbone=partial(ConvNet, channels=[4]),
        ...     decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, optimizer=torch.optim.Adam,
        ...     scheduler=Constant, in_shape=(1, 8, 8), classes=3,
        ... )
        >>> method(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        *,
        encoding: Callable[..., nn.Module],
        neuron: Callable[[], nn.Module],
        backbone: MakesBackbone,
        decoding: Decoding,
        loss: Loss,
        metric: dict[str, Metric],
        optimizer: Callable[[Iterable[dict]], Optimizer],
        scheduler: MakesSchedule,
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        channels, *size = in_shape
        built = encoding(in_channels=channels)
        super().__init__(
            encoding=built,
            backbone=backbone(neuron=neuron, in_shape=(built.out_channels, *size), classes=classes, width=width),
            decoding=decoding,
            loss=loss,
            metric=metric,
            watch=watch,
            optimizer=optimizer,
            scheduler=scheduler,
        )
        take_norms(self.backbone, torch.zeros(built.timesteps, 1, built.out_channels, *size))
