"""Fine-tuning after conversion: a ReLU network is trained, then a spiking network that starts from its weights."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.backbone.weights import load_weights
from snnx.conversion.current_thresholds import require_valid, set_thresholds
from snnx.decoding.decoding import Decoding
from snnx.loss.loss import Loss
from snnx.method.calibration import calibration_images
from snnx.method.direct import Direct
from snnx.metric.metric import Metric
from snnx.neuron.node import Node
from snnx.neuron.spiking import require_any_steps, spiking_layers
from snnx.neuron.take_norms import release_norms
from snnx.scheduler.scheduler import MakesSchedule


class FineTuned(Direct):
    """Trains the backbone with ReLU, sets thresholds, and fine-tunes the spiking network as `Direct` trains.

        first epochs:   scores = relu_backbone(images)              [1, B, C, H, W] -> [B, K]
        then:           v_threshold of each layer = scaling * a percentile of its currents; see `set_thresholds`
        last epochs:    scores = decoding(backbone(encoding(images)))

    Both networks have the same weights and norms. Validation and test always use the spiking network; in the first epochs its
    thresholds are computed again before each validation, so `val/acc` is then the accuracy of the converted network. One
    optimizer and one schedule serve the whole training. A training that was interrupted continues in its stage.

    Args:
        source: share of the epochs, at the start of training, in which the ReLU network is trained, in [0, 1). If it is
            above 0, each stage gets at least one epoch, so there must be two.
        checkpoint: file of weights for the backbone, to start from a trained network.
        percentile, scaling: see `set_thresholds`.
        calibration: number of training samples from which the thresholds are found, at least 1.
        encoding, neuron, backbone, decoding, loss, metric, watch, optimizer, scheduler, in_shape, classes, width: see `Direct`.

    Raises:
        ValueError: there is neither a `source` nor a `checkpoint`, or a `source` and only one epoch, an argument is out of
            range, the neurons do not spike or are not those of snnx, the loss or a layer of the backbone needs spikes, a norm
            has parameters for each step, or the encoding changes the number of channels.

    Source: Rathi et al., Hybrid Conversion and Spike Timing Dependent Backpropagation, 2020; Rathi and Roy, Diet-SNN, 2020.
        There, the two stages are two trainings, each with its own learning rate.

    Example:
        >>> from functools import partial
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> from snnx.encoding.repeat import Repeat
        >>> from snnx.neuron.lif_learned import LIFLearned
        >>> from snnx.scheduler.constant import Constant
        >>> method = FineTuned(
        ...     encoding=partial(Repeat, timesteps=4), neuron=LIFLearned, backbone=partial(ConvNet, channels=[4]),
        ...     decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, optimizer=torch.optim.Adam,
        ...     scheduler=Constant, in_shape=(1, 8, 8), classes=3, source=0.5,
        ... )
        >>> method(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 3])
    """

    least_epochs = 2

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
        source: float = 0.5,
        checkpoint: str | None = None,
        percentile: float = 99.7,
        scaling: float = 1.0,
        calibration: int = 512,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        if not 0 <= source < 1:
            raise ValueError(f"FineTuned: source must be a share of the epochs in [0, 1); got {source}")
        if not source and checkpoint is None:
            raise ValueError(
                "FineTuned: source must be above 0, or checkpoint must name trained weights; got neither; "
                "choose method=direct to train without a first stage"
            )
        require_valid(percentile, scaling, who="FineTuned")
        _require_no_spikes([getattr(loss, "func", loss)], "loss=cross_entropy")
        if calibration < 1:
            raise ValueError(f"FineTuned: calibration must be at least 1; got {calibration}")
        super().__init__(
            encoding=encoding, neuron=neuron, backbone=backbone, decoding=decoding, loss=loss, metric=metric,
            optimizer=optimizer, scheduler=scheduler, in_shape=in_shape, classes=classes, width=width, watch=watch,
        )  # fmt: skip
        if self.encoding.out_channels != in_shape[0]:
            raise ValueError(
                f"FineTuned: encoding must keep the {in_shape[0]} channels of the images, which the ReLU network reads; "
                f"got {type(self.encoding).__name__} with {self.encoding.out_channels}; choose encoding=repeat or rate"
            )
        if not spiking_layers(self.backbone):
            raise ValueError("FineTuned: neuron must spike, so that it has a threshold to set; got none; choose method=direct")
        if others := {type(layer).__name__ for layer in spiking_layers(self.backbone).values() if not isinstance(layer, Node)}:
            raise ValueError(
                "FineTuned: neuron must be a Node of snnx, whose threshold can be set to what its currents reach; "
                f"got {', '.join(sorted(others))}; choose another, such as neuron=lif_learned"
            )
        _require_no_spikes(self.backbone.modules(), "another attention, or leave it out")
        require_any_steps(self.backbone, 1, why="the ReLU network that it starts from has one step", who="FineTuned")
        if checkpoint is not None:
            load_weights(self.backbone, checkpoint, name="method.checkpoint")
        release_norms(self.backbone)  # both networks use them
        self.source, self.calibration = float(source), calibration
        self.percentile, self.scaling = float(percentile), float(scaling)
        # The twin shares the backbone's parameters. It is in a tuple, so that torch does not find it and save them twice.
        self._twin = (relu_twin(self.backbone),)
        self._as_relu = False
        with torch.no_grad():  # raises an error now, rather than in the training, if a layer needs spikes
            self.backbone.eval()
            self._twin[0](torch.linspace(0, 1, math.prod(in_shape)).view(1, 1, *in_shape))
            self.backbone.train()
        self.register_buffer("thresholds", torch.full((len(spiking_layers(self.backbone)),), torch.nan))
        # Before the parameters are loaded, because setting a threshold also sets the parameter of a layer that learns it.
        self.register_load_state_dict_pre_hook(_load_thresholds)

    @property
    def trained(self) -> nn.Module:
        """The network that is trained in this epoch: the ReLU network in the first stage, then the backbone."""
        return self._twin[0] if self.current_epoch < self._source_epochs() else self.backbone

    def find_thresholds(self) -> None:
        """Set the thresholds of the spiking network for its present weights."""
        self.encoding.begin_evaluation()

        def inputs() -> Iterator[Tensor]:
            for images in calibration_images(self.trainer.datamodule, self.device, self.calibration):
                reset_net(self.encoding)
                yield self.encoding(images)

        found = set_thresholds(self.backbone, inputs, percentile=self.percentile, scaling=self.scaling)
        with torch.no_grad():
            self.thresholds.copy_(torch.tensor([found[name] for name in spiking_layers(self.backbone)]))

    def require_epochs(self, epochs: int) -> None:
        """Reject a training of one epoch, which has no room for two stages.

        Raises:
            ValueError: there is one epoch, and `source` is above 0.
        """
        if self.source and epochs == 1:
            raise ValueError(
                "FineTuned: trainer.max_epochs must be at least 2, one for ReLU and one for spikes, or 0 for a test only; "
                "got 1; raise it, or set method.source=0 with method.checkpoint"
            )

    def on_fit_start(self) -> None:
        self.require_epochs(self.trainer.max_epochs)

    def _source_epochs(self) -> int:
        epochs = self.trainer.max_epochs
        return min(max(1, round(self.source * epochs)), epochs - 1) if self.source else 0

    def _converts(self) -> bool:
        """Whether the thresholds must follow the weights, because the spiking network has not been trained yet."""
        return self.current_epoch < self._source_epochs() or bool(self.thresholds.isnan().any())

    def on_train_epoch_start(self) -> None:
        if self.current_epoch == self._source_epochs():
            self.find_thresholds()

    def on_validation_epoch_start(self) -> None:
        if self._converts():
            self.find_thresholds()
        super().on_validation_epoch_start()

    def on_test_epoch_start(self) -> None:
        if bool(self.thresholds.isnan().any()):
            self.find_thresholds()
        super().on_test_epoch_start()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        self._as_relu = self.trained is not self.backbone
        loss = super().training_step(batch, batch_idx)
        self._as_relu = False
        return loss

    def run(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs `[T, B, K]` and scores `[B, K]`; while the ReLU network is trained, they are its own, and T is 1."""
        if not self._as_relu:
            return super().run(images)
        reset_net(self)  # each batch gets a new dropout mask
        outputs = self._twin[0](images[None])
        return outputs, outputs[0]


def _require_no_spikes(parts: Iterable[object], choose: str) -> None:
    if needs := next((type(part).__name__ for part in parts if getattr(part, "needs_spikes", False)), None):
        raise ValueError(
            "FineTuned: attention and loss must not need spikes, since its first network is of ReLU; "
            f"got {needs}; choose method=direct, or {choose}"
        )


def _load_thresholds(method: FineTuned, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Give the layers the thresholds of a checkpoint, if it has some."""
    found = state.get(f"{prefix}thresholds", method.thresholds).tolist()
    for layer, value in zip(spiking_layers(method.backbone).values(), found, strict=True):
        if not math.isnan(value):
            layer.v_threshold = value


def relu_twin(network: nn.Module) -> nn.Module:
    """Return a network with ReLU in place of each neuron layer, and with the other layers of `network` itself, not copies.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(2, 3), IF())
        >>> twin = relu_twin(network)
        >>> twin[0] is network[0], twin[1]
        (True, ReLU())
    """
    layers = spiking_layers(network)
    outside = [m for name, m in network.named_modules() if name and not any(f"{at}.".startswith(f"{name}.") for at in layers)]
    twin_has = {id(one): one for one in (*outside, *network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, twin_has)
    for name in layers:
        twin.set_submodule(name, nn.ReLU())
    return twin
