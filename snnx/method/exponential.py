"""First spikes with synaptic currents that decay exponentially: the networks of Mostafa, 2017, and Zhou et al., 2021."""

from collections.abc import Callable, Iterable

from torch import Tensor
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.loss.loss import Loss
from snnx.method.base import Method
from snnx.metric.metric import Metric
from snnx.scheduler.scheduler import MakesSchedule
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.earliest import Earliest
from snnx.spike_time.exponential_current import decay_currents
from snnx.spike_time.exponential_planes import ExponentialPlanes
from snnx.spike_time.single_spikes import require_single_spikes


class Exponential(Method):
    """Every neuron fires at most once, and training uses the exact gradient of `z = exp(t)`, in which the network is linear.

        m, a    = input(images)             [B, C, H, W] -> [2, B, C, H, W]     z = exp(latest (1 - x)), a = 1 - z
        m, a    = backbone(m, a)            [2, B, K]                           z of each neuron, see `ExponentialSet`
        scores  = -z                        [B, K]
        L       = loss(scores) + weight_sum * sum over layers of mean over neurons of max(0, 1 - sum of w_i)
                               + mean_square * sum over layers of mean of w_i^2

    `train/loss` includes both penalties; validation and test report the loss alone. There are no time windows: a spike affects
    all later times, in all layers. Each layer has one more input, which fires at t = 0 and replaces a bias. The groups
    `encoding`, `neuron`, `surrogate` and `decoding` are not used.

    Args:
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`. The backbone may
            contain convolutions and linear layers without bias, max pooling and neurons only.
        latest: see `ExponentialPlanes`.
        weight_sum: penalty for weights that add up to less than the threshold, >= 0; without it, neurons become silent.
        mean_square: penalty for large weights, >= 0.
        clip: see `ExponentialCurrent`.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: a penalty is negative, `latest` or `clip` is out of range, or the backbone has a layer that does not keep
            single spikes.

    Source: Mostafa, Supervised learning based on temporal coding in spiking neural networks, 2017; Zhou et al., Temporal-coded
        deep spiking neural network with easy training and robust performance, 2021, and its authors' code
        (zbs881314/Temporal-Coded-Deep-SNN, `MNIST/`). There, the quotient of the softmax is limited to at least 1e-10, so that
        a sample whose label comes far too late gives no gradient; here it gives one.

    Example:
        >>> from functools import partial
        >>> import torch
        >>> from snnx.backbone.mlp import MLP
        >>> from snnx.init.positive import Positive
        >>> from snnx.scheduler.constant import Constant
        >>> method = Exponential(
        ...     backbone=partial(MLP, hidden=[16], bias=False), loss=torch.nn.CrossEntropyLoss(), metric={},
        ...     optimizer=torch.optim.Adam, scheduler=Constant, in_shape=(1, 8, 8), classes=3,
        ... )
        >>> Positive()(method.backbone)
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
        latest: float = 3.0,
        weight_sum: float = 100.0,
        mean_square: float = 0.01,
        clip: float | None = None,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        for name, price in (("weight_sum", weight_sum), ("mean_square", mean_square)):
            if not price >= 0:
                raise ValueError(f"Exponential: {name} must be at least 0; got {price}")
        if clip is not None and not clip > 0:
            raise ValueError(f"Exponential: clip must be positive, or null for no limit; got {clip}")
        built = backbone(neuron=DynamicThreshold, in_shape=in_shape, classes=classes, width=width)
        require_single_spikes(built, who="Exponential")
        super().__init__(
            encoding=ExponentialPlanes(in_channels=in_shape[0], latest=latest),
            backbone=built,
            decoding=Earliest(),
            loss=loss,
            metric=metric,
            watch=watch,
            optimizer=optimizer,
            scheduler=scheduler,
        )
        self.weight_sum, self.mean_square = float(weight_sum), float(mean_square)
        self._layers = decay_currents(built, clip=clip)

    def scores_and_loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        scores, loss = super().scores_and_loss(images, labels)
        if self.training:
            loss = loss + self.weight_sum * sum(layer.weight_sum_cost() for layer in self._layers)
            loss = loss + self.mean_square * sum(layer.mean_square() for layer in self._layers)
        return scores, loss
