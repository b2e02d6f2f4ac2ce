"""Direct training: the backbone has spiking neurons and is trained by backpropagation through time."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.decoding.decoding import Decoding
from snnx.loss.loss import Loss, needs_spikes
from snnx.method.base import Method
from snnx.method.early import Early
from snnx.metric.metric import Metric
from snnx.neuron.end_at_rest import end_at_rest
from snnx.neuron.ends_in_spikes import ends_in_spikes
from snnx.neuron.spiking import require_any_steps
from snnx.neuron.take_norms import take_norms
from snnx.scheduler.scheduler import MakesSchedule


class Direct(Method):
    """Backpropagation through the unrolled network, with the surrogate's slope in place of the step function's derivative.

        dL/dW = sum over t of dL/ds[t] * ds[t]/dh[t] * dh[t]/dW,    ds/dh = surrogate slope at h - v_threshold

    Autograd computes this from the graph of `Method.forward`.

    Args:
        encoding: makes the encoding; it is called here with `in_channels`.
        neuron: makes one neuron layer.
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        early: `timesteps` and `epochs`: number of steps of the first epochs, and the share of these epochs; see `Early`.
            Validation and test always have all steps. `None` trains with all steps from the start.
        decoding, loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: see `Method` and `Early`; or `early` has no fewer steps than the encoding, or a part of the network has
            parameters for a fixed number of steps, or the loss needs spikes and the last layer of the backbone does not fire.

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
        early: Mapping[str, float] | None = None,
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
        silence = torch.zeros(built.timesteps, 1, built.out_channels, *size)
        if needs_spikes(loss) and not ends_in_spikes(self.backbone, silence):
            raise ValueError(
                f"{type(self).__name__}: loss must not need spikes, since the last layer of the backbone does not fire; "
                f"got {type(getattr(loss, 'func', loss)).__name__}; choose loss=cross_entropy, or backbone=chain "
                "backbone.votes=1 with a spiking neuron"
            )
        take_norms(self.backbone, silence)
        end_at_rest(self)
        self.early = None if early is None else self._early(early, in_shape)

    def _early(self, early: Mapping[str, float], in_shape: tuple[int, int, int]) -> Early:
        if set(early) != {"timesteps", "epochs"}:
            raise ValueError(f"Direct: early must have the keys timesteps and epochs; got {', '.join(early) or 'none'}")
        checked, whole = Early(int(early["timesteps"]), float(early["epochs"])), self.encoding.timesteps
        if checked.timesteps >= whole:
            raise ValueError(f"Direct: early.timesteps must be below timesteps={whole}; got {checked.timesteps}")
        why = f"method.early trains with {checked.timesteps} of {whole} steps at first"
        require_any_steps(self.backbone, checked.timesteps, why=why, who="Direct")
        self.eval()
        self.encoding.timesteps = checked.timesteps
        with torch.no_grad():  # if a part accepts only another number of steps, the error comes now and not in training
            self(torch.zeros(1, *in_shape))
        self.encoding.timesteps = whole
        self.train()
        return checked

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        if self.early is None:
            return super().training_step(batch, batch_idx)
        whole = self.encoding.timesteps
        self.encoding.timesteps = self.early.steps(self.current_epoch, epochs=self.trainer.max_epochs, whole=whole)
        try:
            return super().training_step(batch, batch_idx)
        finally:
            self.encoding.timesteps = whole
