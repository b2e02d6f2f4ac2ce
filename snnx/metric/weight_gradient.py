"""Computes the gradients of the weights on one batch, to show whether the loss reaches every layer."""

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from snnx.init.init import weighted_layers
from snnx.metric.by_step import require_steps
from snnx.metric.drawn_curves import HISTOGRAMS
from snnx.metric.metric import Metric, Table
from snnx.neuron.node import Node
from snnx.neuron.ttfs import TTFS, unfired

BINS = HISTOGRAMS["weight_gradient_histogram"]
SMALL = 1e-8


class WeightGradient(Metric, pl.Callback):
    """The gradient `g = dL/dw` of each convolution and linear layer, for the first training batch without augmentation.

        weight_gradient_log10     = log10 of the mean of |g|, at least -12
        weight_gradient_small     = share with |g| < 1e-8
        weight_gradient_histogram = shares by log10 |g|, in 56 bins from -12 to 2
        surrogate_slope           = mean over steps and neurons of the surrogate's slope at h - threshold, by neuron layer;
                                    for a first-spike neuron it is 0 after the spike, since the mask blocks the gradient

    They are computed when the test begins. `weight_gradient_log10_least` is the smallest value of all layers. With
    `trainer.max_epochs=0`, these are the gradients at initialisation. Weights and optimizer are not changed.

    Raises:
        ValueError: the network uses spike times instead of steps.

    Source: ETTFS, Figure 5; the paper does not say below which value it calls a gradient small.

    Example:
        >>> WeightGradient().extra("weight_gradient_log10", {"conv": torch.tensor([-3.0]), "fc": torch.tensor([-2.0])})
        {'least': -3.0}
    """

    needs_potential = True
    over_samples: dict[str, str] = {}

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "WeightGradient")

    def gathered(self) -> dict[str, Table]:
        return self._tables

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        return {"least": min(float(values) for values in table.values())} if curve == "weight_gradient_log10" else {}

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if pl_module.recorder is None:  # there is no recorder when the best epoch is tested
            return
        batch = next(iter(trainer.datamodule.train_dataloader()))
        batch = trainer.datamodule.transfer_batch_to_device(batch, pl_module.device, 0)
        images, labels = trainer.datamodule.on_after_batch_transfer(batch, 0)
        nodes = {name: m for name, m in pl_module.backbone.named_modules() if isinstance(m, Node)}
        recorder, pl_module.recorder = pl_module.recorder, None
        slopes: Table = {}
        with recorder.paused(), torch.inference_mode(False), torch.enable_grad():
            for name, node in nodes.items():
                node.probe = lambda h, s, name=name, node=node: slopes.update({name: _slope(node, h, s)})
            pl_module.encoding.begin_evaluation()
            _, loss = pl_module.scores_and_loss(images.clone(), labels.clone())
            layers = [layer.module for layer in weighted_layers(pl_module.backbone)]
            gradients = torch.autograd.grad(loss, [layer.weight for layer in layers])
            for node in nodes.values():
                node.probe = None
        pl_module.recorder = recorder
        names = {module: name for name, module in pl_module.backbone.named_modules()}
        self._tables = {
            **_tables(dict(zip((names[layer] for layer in layers), gradients, strict=True))),
            **({"surrogate_slope": slopes} if slopes else {}),
        }


def _slope(node: Node, h: Tensor, s: Tensor) -> Tensor:
    x = (h.detach() - node.thresholds()).requires_grad_()
    with torch.enable_grad():  # a probe may be called inside an autograd function's forward
        (slope,) = torch.autograd.grad(node.surrogate_function(x).sum(), x)
    if isinstance(node, TTFS):
        slope = slope * unfired(s)
    return slope.mean()[None]


def _tables(gradients: dict[str, Tensor]) -> dict[str, Table]:
    found: dict[str, Table] = {"weight_gradient_log10": {}, "weight_gradient_small": {}, "weight_gradient_histogram": {}}
    for name, gradient in gradients.items():
        size = gradient.abs().flatten().float()
        found["weight_gradient_log10"][name] = size.mean().clamp(min=10.0**BINS.low).log10()[None]
        found["weight_gradient_small"][name] = (size < SMALL).float().mean()[None]
        decades = size.log10().clamp(BINS.low, BINS.high).cpu()
        found["weight_gradient_histogram"][name] = torch.histc(decades, BINS.count, BINS.low, BINS.high) / len(size)
    return found
