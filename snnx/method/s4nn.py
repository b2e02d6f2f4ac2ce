"""S4NN and BS4NN: neurons that fire once, in whole steps, and a rule that moves spikes to the times where they should be."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from snnx.backbone.backbone import MakesBackbone
from snnx.method.base import Method
from snnx.metric.metric import Metric
from snnx.scheduler.scheduler import MakesSchedule
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.earliest_or_strongest import EarliestOrStrongest
from snnx.spike_time.one_by_one import learn_layers
from snnx.spike_time.relative_target import RelativeTarget
from snnx.spike_time.single_spikes import require_single_spikes
from snnx.spike_time.step_layer import fire_at_steps
from snnx.spike_time.step_planes import StepPlanes


class S4NN(Method):
    """Every neuron fires at most once, when its input's weights add up to more than a threshold; the first output wins.

        m, a    = input(images)             [B, C, H, W] -> [2, B, C, H, W]     t = floor(latest (1 - x)), a = 1 - t/steps
        m, a, v = backbone(m, a)            [3, B, K]                           spikes, their times and potentials, `Crossing`
        scores  = -t, ties by v             [B, K]                              see `EarliestOrStrongest`
        L       = error of the times        see `RelativeTarget`

    With `one_by_one`, a batch is taken sample by sample, and each sample changes the weights, as published; see `learn`. The
    size of the batch does not matter then. Otherwise the gradients of a batch are averaged, and any optimizer takes the step.

    A test gives two accuracies, which differ only where several classes fire first, at the same step. `test/acc` then takes the
    class with the highest potential. `test/acc_ties` counts a sample as right if its label is among these classes, as the
    papers do; so it is 1 for a network that has learned nothing and whose classes all fire at the same step. If no class fires,
    both take the one with the highest potential.

    The groups `encoding`, `neuron`, `surrogate`, `decoding` and `loss` are not used. An `init` replaces the initial weights.

    Args:
        backbone: makes the backbone; it is called here with `neuron`, `in_shape`, `classes` and `width`. The backbone may
            contain linear layers without bias and neurons only.
        one_by_one: whether the weights change after every sample.
        binary: whether only the signs of the weights count in the forward pass, as in BS4NN.
        steps, latest: see `StepPlanes`.
        threshold: potential above which a neuron fires, > 0; divided by the factor if `binary`.
        gamma, gamma_silent: see `RelativeTarget`; at least 0 and below `steps`.
        initial: upper bound of the uniform initial weights, > 0: one for the hidden layers and one for the last layer.
        redraw: share of an epoch's samples, in [0, 1); a hidden neuron that fires for a smaller share gets new initial weights
            before the next epoch.
        factor: start of the learned factor of each layer, > 0; for `binary`.
        factor_lr: learning rate of the factors, >= 0.
        in_shape: `(C, H, W)` of the data set.
        classes: number of classes of the data set.
        width: factor on the backbone's width, from the scale.
        metric, watch, optimizer, scheduler: see `Method`; with `one_by_one`, the optimizer only gives learning rate and decay.

    Raises:
        ValueError: an argument is out of range, the backbone has other layers, or `one_by_one` has another optimizer than SGD
            without momentum, or a learning rate times weight decay of 1 or more.

    Source: Kheradpisheh and Masquelier, S4NN: temporal backpropagation for spiking neural networks with one spike per neuron,
        2020; Kheradpisheh et al., BS4NN: binarized spiking neural networks with temporal coding and learning, 2022; their code,
        SRKH/S4NN and SRKH/BS4NN.

    Example:
        >>> from functools import partial
        >>> from snnx.backbone.mlp import MLP
        >>> from snnx.scheduler.constant import Constant
        >>> method = S4NN(
        ...     backbone=partial(MLP, hidden=[16], bias=False), metric={}, optimizer=torch.optim.Adam, scheduler=Constant,
        ...     in_shape=(1, 8, 8), classes=3,
        ... )
        >>> method(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 3])
    """

    has_steps = False

    def __init__(
        self,
        *,
        backbone: MakesBackbone,
        metric: dict[str, Metric],
        optimizer: Callable[[Iterable[dict]], Optimizer],
        scheduler: MakesSchedule,
        in_shape: tuple[int, int, int],
        classes: int,
        one_by_one: bool = False,
        binary: bool = False,
        steps: int = 256,
        latest: int = 256,
        threshold: float = 100.0,
        gamma: int = 3,
        gamma_silent: int = 3,
        initial: Sequence[float] = (5.0, 48.0),
        redraw: float = 0.001,
        factor: float = 5.0,
        factor_lr: float = 0.01,
        width: float = 1.0,
        watch: str = "*",
    ) -> None:
        for name, value in (("threshold", threshold), ("factor", factor)):
            if not value > 0:
                raise ValueError(f"S4NN: {name} must be positive; got {value}")
        for name, value in (("gamma", gamma), ("gamma_silent", gamma_silent)):
            if not 0 <= value < steps:
                raise ValueError(f"S4NN: {name} must be from 0 to steps - 1; got {value}")
        if len(initial) != 2 or not min(initial) > 0:
            raise ValueError(f"S4NN: initial must be two positive bounds, such as [5, 48]; got {list(initial)}")
        if not factor_lr >= 0:
            raise ValueError(f"S4NN: factor_lr must be at least 0; got {factor_lr}")
        if not 0 <= redraw < 1:
            raise ValueError(f"S4NN: redraw must be a share of the samples in [0, 1); got {redraw}")
        built = backbone(neuron=DynamicThreshold, in_shape=in_shape, classes=classes, width=width)
        if others := [name for name, module in built.named_modules() if isinstance(module, nn.Conv2d | nn.MaxPool2d)]:
            raise ValueError(f"S4NN: backbone must have linear layers only; got {others[0]}; choose backbone=mlp")
        require_single_spikes(built, who="S4NN")
        super().__init__(
            encoding=StepPlanes(in_channels=in_shape[0], steps=steps, latest=latest),
            backbone=built,
            decoding=EarliestOrStrongest(steps=steps),
            loss=RelativeTarget(steps=steps, gamma=gamma, gamma_silent=gamma_silent),
            metric=metric,
            watch=watch,
            optimizer=optimizer,
            scheduler=scheduler,
        )
        self._layers = fire_at_steps(built, threshold=threshold, steps=steps, factor=factor if binary else None)
        self.one_by_one, self.redraw, self.factor_lr = one_by_one, float(redraw), float(factor_lr)
        self.initial = [float(bound) for bound in initial]
        self.automatic_optimization = not one_by_one
        for place, layer in enumerate(self._layers):
            nn.init.uniform_(layer.layer.weight, 0.0, self.initial[place == len(self._layers) - 1])

    def scores_and_loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        outputs, scores = self.run(images)
        self._activation = outputs[1].detach()
        return scores, self.loss(outputs, labels)

    def learn_from(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if not self.one_by_one:
            return super().learn_from(images, labels)
        self.loss.require_classes(labels)
        optimizer = self.optimizers()
        group = optimizer.param_groups[0]
        outputs = learn_layers(
            self._layers, self.encoding(images)[1].flatten(1), labels,
            gamma=self.loss.gamma, gamma_silent=self.loss.gamma_silent,
            lr=group["lr"], decay=group["weight_decay"], factor_lr=self.factor_lr * group["lr"] / group["initial_lr"],
        )  # fmt: skip
        optimizer.step()  # changes nothing, since there are no gradients, but counts the step
        self.lr_schedulers().step()
        return self.decoding(outputs), self.loss(outputs, labels)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        found = super().test_step(batch, batch_idx)
        first = self._activation.amax(1)
        among = self._activation.gather(1, batch[1][:, None])[:, 0] == first
        correct = torch.where(first > 0, among, found["test/acc"])  # if none fires, the potential decides in both
        self._ties.append(correct)
        return {**found, "test/acc_ties": correct}

    def on_train_start(self) -> None:
        if self.trainer.world_size > 1 and (self.one_by_one or self.redraw):
            raise ValueError(
                f"S4NN: trainer.devices must be 1 with one_by_one or redraw, which change weights in one process; "
                f"got {self.trainer.world_size}"
            )

    def on_train_epoch_start(self) -> None:
        for layer in self._layers[:-1]:
            layer.redraw(self.redraw, self.initial[0])

    def on_test_epoch_start(self) -> None:
        self._ties: list[Tensor] = []
        super().on_test_epoch_start()

    def on_test_epoch_end(self) -> None:
        super().on_test_epoch_end()
        self.log_dict({"test/acc_ties": torch.cat(self._ties).double().mean()})

    def parameter_groups(self) -> list[dict]:
        weights, factors = super().parameter_groups()
        return [weights, {**factors, "lr": self.factor_lr}]

    def configure_optimizers(self) -> dict:
        made = super().configure_optimizers()
        plain = type(made["optimizer"]) is SGD and not made["optimizer"].defaults["momentum"]
        if self.one_by_one and not plain:
            raise ValueError(
                f"S4NN: optimizer must be SGD without momentum if one_by_one; got {type(made['optimizer']).__name__} "
                f"with momentum {made['optimizer'].defaults.get('momentum')}; choose optimizer=sgd optimizer.momentum=0"
            )
        lr, decay = made["optimizer"].defaults["lr"], made["optimizer"].defaults["weight_decay"]
        if self.one_by_one and not lr * decay < 1:
            raise ValueError(
                "S4NN: optimizer.lr * optimizer.weight_decay must be below 1 if one_by_one, since a sample takes this share of "
                f"each weight; got {lr:g} * {decay:g}; lower one of them"
            )
        return made
