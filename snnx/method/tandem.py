"""Progressive tandem learning: the layers of a ReLU network become spiking one by one, while the others continue to learn."""

from collections.abc import Callable, Iterable, Iterator

import torch
from pytorch_lightning import LightningDataModule
from pytorch_lightning.trainer.states import TrainerFn
from spikingjelly.activation_based import functional
from torch import Tensor, nn
from torch.optim import Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.backbone.weights import load_weights
from snnx.conversion.at_once import AtOnce
from snnx.conversion.convert import convert
from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.hybrid import Hybrid
from snnx.conversion.links import links
from snnx.conversion.replaceable import Replaceable
from snnx.decoding.mean_logits import MeanLogits
from snnx.loss.loss import Loss
from snnx.method.base import Method
from snnx.method.calibration import calibration_images
from snnx.method.stages import Stages
from snnx.metric.metric import Metric
from snnx.metric.weight_gradient import WeightGradient
from snnx.scheduler.scheduler import MakesSchedule


class Tandem(Method):
    """Trains the backbone with ReLU, then replaces one layer after another by spiking neurons and trains what is left.

        first epochs:   scores = backbone(images), with ReLU                                [1, B, C, H, W] -> [B, K]
        stage k:        layers 1 to k spike; layer k learns in tandem, and so do the ReLU layers above it
        last epochs:    all layers spike; the read-out learns
        test:           scores = mean over t of converted(X)[t]                             [T, B, C, H, W] -> [B, K]

    In tandem learning, a layer passes on its spike counts and gets the gradient of a ReLU layer that reads the spike counts of
    the layer below (see `Hybrid.tandem`). `Stages` says when the next layer is replaced. Its threshold is then a percentile of
    its activations, and the layers before it are frozen, with the statistics of their norms.

    Validation uses the network of the present stage: `val/acc` is at first that of the ReLU network and at last that of the
    spiking network, and `val/spiking_layers` is the number of layers that spike. So the best epoch is often one of the first.
    The test always converts the whole network; layers that are still ReLU get their thresholds then. The image is fed as a
    current at the first step only. One optimizer and one schedule serve the whole training.

    Args:
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`. The backbone may
            contain convolutions, linear layers, batch norms, average pooling and sums only.
        timesteps: number of time steps, at least 2.
        source: share of the epochs, at the start of training, in which the ReLU network is trained, in [0, 1).
        checkpoint: file of weights for the backbone, to start from a trained network; then `source` may be 0.
        patience: epochs without a better validation accuracy after which the next layer is replaced, at least 1.
        percentile: percentile of a layer's activations that becomes its threshold, in (0, 100].
        calibration: number of training samples from which a threshold is found, at least 1.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        loss, metric, watch, optimizer, scheduler: see `Method`.

    Raises:
        ValueError: there is neither a `source` nor a `checkpoint`, an argument is out of range, the backbone has no activation
            or has a layer that cannot be converted, the checkpoint belongs to another network, a layer is too rarely active to
            have a threshold, a metric reads gradients, or the run has several processes.

    Source: Wu et al., Progressive Tandem Learning for Pattern Recognition with Deep Spiking Neural Networks, 2022, and the
        authors' code, deepspike/progressive_tandem_learning. In that code, potentials are T times smaller; only the first layer
        learns in tandem, and all others are frozen when they are replaced; each stage starts from the best weights of the stage
        before and with a new optimizer, whose rate is a tenth in the last stage; and a stage ends only by the patience.

    Example:
        >>> from functools import partial
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.scheduler.constant import Constant
        >>> method = Tandem(
        ...     backbone=partial(ConvNet, channels=[4]), loss=nn.CrossEntropyLoss(), metric={}, optimizer=torch.optim.Adam,
        ...     scheduler=Constant, in_shape=(1, 8, 8), classes=3, timesteps=500,
        ... ).eval()
        >>> images = torch.rand(2, 1, 8, 8)
        >>> scores = method(images)                                             # of the ReLU network
        >>> method.convert(lambda: [images]).stages.sn1
        IF(...v_threshold=1.0, v_reset=None...)
        >>> bool((method(images) - scores).abs().max() < 0.05)                  # of the spiking network
        True
    """

    converts = True
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
        timesteps: int = 16,
        source: float = 0.4,
        checkpoint: str | None = None,
        patience: int = 6,
        percentile: float = 99.9,
        calibration: int = 512,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        if timesteps < 2:
            raise ValueError(
                f"Tandem: timesteps must be at least 2, since a single step is the ReLU network's; got {timesteps}"
            )
        if not 0 <= source < 1:
            raise ValueError(f"Tandem: source must be a share of the epochs in [0, 1); got {source}")
        if not source and checkpoint is None:
            raise ValueError("Tandem: source must be above 0, or checkpoint must name trained weights; got neither")
        if not 0 < percentile <= 100:
            raise ValueError(f"Tandem: percentile must be in (0, 100]; got {percentile}")
        for name, value in (("patience", patience), ("calibration", calibration)):
            if value < 1:
                raise ValueError(f"Tandem: {name} must be at least 1; got {value}")
        if asked := [name for name, one in metric.items() if isinstance(one, WeightGradient)]:
            raise ValueError(f"Tandem: metric must not read gradients, which frozen layers do not have; got {', '.join(asked)}")
        built = backbone(neuron=Replaceable, in_shape=in_shape, classes=classes, width=width)
        if checkpoint is not None:
            load_weights(built, checkpoint, name="method.checkpoint")
        links(fold_norm(built, in_shape, who="Tandem"), in_shape, who="Tandem")  # refuses a layer that cannot be converted
        hybrid = Hybrid(built, in_shape)
        if not hybrid.neurons:
            raise ValueError("Tandem: backbone must have an activation to replace; got none; add a hidden layer")
        super().__init__(
            encoding=AtOnce(timesteps=timesteps, in_channels=in_shape[0]),
            backbone=built,
            decoding=MeanLogits(),
            loss=loss,
            metric=metric,
            watch=watch,
            optimizer=optimizer,
            scheduler=scheduler,
        )
        self.in_shape, self.hybrid = tuple(in_shape), hybrid
        self.percentile, self.calibration = float(percentile), calibration
        self.stages = Stages(layers=len(hybrid.neurons), source=float(source), patience=patience)
        self.register_buffer("thresholds", torch.zeros(len(hybrid.neurons)))  # thresholds of the layers that are replaced
        self.register_load_state_dict_post_hook(lambda method, _: method._follow_stage())
        # a tuple, so that torch does not register the spiking network as a submodule and save it
        self._made: tuple[nn.Module] | None = None

    @property
    def tested(self) -> nn.Module:
        return self.backbone if self._made is None else self._made[0]

    @property
    def _simulates(self) -> bool:
        """Whether `forward` runs the converted network: after `convert`, in a test or without a trainer."""
        return self._made is not None and (self._trainer is None or self.trainer.testing)

    def run(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs `[T, B, K]` and scores `[B, K]` of the converted network, or of the present stage's, with T = 1."""
        functional.reset_net(self)
        if not self.training and self._simulates:
            functional.reset_net(self.tested)
            encoded = self.encoding(images)
            if self.recorder is not None:
                self.recorder.see_input(images, encoded)
            outputs = self.tested(encoded)
            if self.recorder is not None:
                self.recorder.see_output(outputs, self.decoding)
        elif not self.hybrid.spiking:
            outputs = self.backbone(images[None])
        elif self.training:
            outputs = self.hybrid.tandem(images, self.encoding(images))
        else:
            outputs = self.hybrid.outputs(self.encoding(images))
        return outputs, self.decoding(outputs)

    def _follow_stage(self) -> None:
        """Set the thresholds of the layers that are replaced, so that they fire, and freeze the layers that no longer learn."""
        thresholds = self.thresholds.tolist()[: self.stages.replaced]
        for place, neuron in enumerate(self.hybrid.neurons.values()):
            neuron.v_threshold = thresholds[place] if place < len(thresholds) else None
        self.hybrid.frozen = self.stages.frozen

    def _next_threshold(self, batches: Iterable[Tensor]) -> float:
        return self.hybrid.next_threshold(map(self.encoding, batches), self.percentile)

    def on_fit_start(self) -> None:
        if self.trainer.world_size > 1:
            raise ValueError(
                "Tandem: trainer.devices must be 1, since frozen layers have no gradients to exchange; "
                f"got {self.trainer.world_size} processes"
            )
        epochs, least = self.trainer.max_epochs, self.stages.least_epochs()
        if epochs < least:
            print(
                f"snnx: trainer.max_epochs must be at least {least} to replace {self.stages.layers} layers one after another; "
                f"got {epochs}, so the last layers will become spiking in the test only",
                flush=True,
            )

    def on_train_epoch_start(self) -> None:
        if not self.stages.ends(self.current_epoch, epochs=self.trainer.max_epochs):
            return
        replaced = self.stages.replaced
        if replaced < self.stages.layers:
            self.thresholds[replaced] = self._next_threshold(self.calibration_images(self.trainer.datamodule))
        self.stages.begin(self.current_epoch)
        self._follow_stage()

    def on_validation_epoch_end(self) -> None:
        _, correct, samples, _ = self._sums["val"].tolist()
        super().on_validation_epoch_end()
        self.log("val/spiking_layers", float(self.stages.replaced))
        if self.trainer.state.fn == TrainerFn.FITTING:
            self.stages.see(correct / samples)

    def convert(self, batches: Callable[[], Iterable[Tensor]]) -> nn.Module:
        """Convert the whole backbone with its present weights to a spiking network, and return that.

        Each call of `batches` must return an iterable over images `[B, C, H, W]`. The thresholds of layers that are still ReLU
        are computed from these images.
        """
        if self.recorder is not None:
            self.recorder.watch(nn.Identity())  # stop watching the backbone, or its copy would be watched too
        for neuron in list(self.hybrid.neurons.values())[len(self.hybrid.spiking) :]:
            neuron.v_threshold = self._next_threshold(batches())
        scales = {name: self.thresholds.new_tensor(neuron.v_threshold) for name, neuron in self.hybrid.neurons.items()}
        self._follow_stage()
        folded = fold_norm(self.backbone, self.in_shape, who="Tandem")
        self._made = (convert(folded, links(folded, self.in_shape), scales),)
        if self.recorder is not None:
            self.recorder.watch(self.tested)
        return self.tested

    def calibration_images(self, data: LightningDataModule) -> Iterator[Tensor]:
        """Yield the training samples from which a threshold is found; see `snnx.method.calibration`."""
        return calibration_images(data, self.device, self.calibration)

    def on_test_epoch_start(self) -> None:
        self.convert(lambda: self.calibration_images(self.trainer.datamodule))
        super().on_test_epoch_start()
