"""The contracts of every metric, as functions that any test can call."""

from collections.abc import Callable
from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from snnx.backbone.convnet import ConvNet
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.init.kaiming import Kaiming
from snnx.method.base import Method
from snnx.method.direct import Direct
from snnx.metric.metric import Metric
from snnx.metric.recorder import Recorder
from snnx.metric.reductions import KINDS
from snnx.neuron.lif import LIF
from snnx.norm.none import NoNorm
from snnx.scheduler.constant import Constant
from snnx.testing.must import must
from snnx.testing.random_images import CLASSES, SAMPLES, SHAPE, RandomImages, evaluate, train

Make = Callable[[], Metric]
Measured = Callable[[dict[str, Metric]], Method]


def direct(metric: dict[str, Metric]) -> Method:
    """Build a small convolutional network of LIF neurons, of which about 40 % fire at a step, trained directly."""
    method = Direct(
        encoding=partial(Repeat, timesteps=4), neuron=partial(LIF, v_threshold=0.1),
        backbone=partial(ConvNet, channels=[4, 6], norm=NoNorm), decoding=MeanLogits(), loss=nn.CrossEntropyLoss(),
        metric=metric, optimizer=torch.optim.Adam, scheduler=Constant, in_shape=SHAPE, classes=CLASSES,
    )  # fmt: skip
    Kaiming()(method.backbone)
    return method


def numbers(make: Make, measured: Measured = direct) -> None:
    """A test gives at least one curve, and no value is infinite.

    Args:
        make: builds the metric; the other contracts take the same.
        measured: builds the method that is tested with the metric, for images `[1, 8, 8]` of three classes. A metric that does
            not fit `direct`, for example because it reads an attention, needs another one.

    Raises:
        AssertionError: the contract is broken; one line says what must hold. This is the same for all contracts.

    Example:
        >>> from snnx.metric.firing_rate import FiringRate
        >>> for contract in CONTRACTS:
        ...     contract(FiringRate)
    """
    one = _Test(make(), measured)
    curves = one.curves()
    must(bool(curves), one.metric, "give a curve in a test; got none")
    for name, values in curves.items():
        must(not bool(values.isinf().any()), one.metric, f"give no infinite value; got one in {name}")


def unchanged(make: Make, measured: Measured = direct) -> None:
    """The scores are the same with the metric and without it."""
    one, other = _Test(make(), measured), _Test(None, measured)
    for test in (one, other):
        test.curves()
    must(torch.equal(one.scores, other.scores), one.metric, "leave the scores as they are; got others")


def hooks(make: Make, measured: Measured = direct) -> None:
    """After the test, the network has the hooks and probes that it had before."""
    one = _Test(make(), measured)
    before = _hooks(one.method)
    one.curves()
    for name, count in _hooks(one.method).items():
        must(
            count <= before.get(name, 0),
            one.metric,
            f"remove its hooks and probes after the test; got one left in {name or 'the network'}",
        )


def batches(make: Make, measured: Measured = direct) -> None:
    """Two batches of a test give the same numbers as one batch of all samples."""
    one, other = _Test(make(), measured, batch=SAMPLES), _Test(make(), measured, batch=SAMPLES // 2)
    _same(one.curves(), other.curves(), one, "give the same in two batches as in one")


def repetition(make: Make, measured: Measured = direct) -> None:
    """A second test gives the same numbers as the first, so the metric keeps nothing from a test."""
    one = _Test(make(), measured)
    _same(one.curves(), one.curves(), one, "give the same in a second test")


def potentials(make: Make, measured: Measured = direct) -> None:
    """A metric that does not say `needs_potential` measures the same if the layers show their spikes only.

    Then it works for neurons of SpikingJelly, too, and is refused before the training of a run if it cannot.

    Args:
        make, measured: see `numbers`.
    """
    one, hidden = _Test(make(), measured), make()
    if one.metric.needs_potential or one.metric.needs_targets:
        return
    other, measure = _Test(hidden, measured), hidden.measure
    hidden.measure = lambda h, s, node: measure(None, s, node)
    try:
        found = other.curves()
    except (TypeError, AttributeError) as error:
        raise AssertionError(f"{type(hidden).__name__}: must say needs_potential = True, since it reads h; {error}") from error
    _same(one.curves(), found, one, "say needs_potential = True, or give the same without h")


CONTRACTS = (numbers, unchanged, hooks, batches, repetition, potentials)
"""All contracts, for `pytest.mark.parametrize`."""


class _Test:
    """A method that has been trained for an epoch with the metric, as in a run, and can be tested."""

    def __init__(self, metric: Metric | None, measured: Measured, batch: int = SAMPLES // 2) -> None:
        torch.manual_seed(0)
        self.metric = metric
        self.method = measured({} if metric is None else {"metric": metric})
        self.data = RandomImages(batch=batch, dtype=next(self.method.parameters()).dtype)
        self.trainer = train(self.method, self.data, *([metric] if isinstance(metric, pl.Callback) else []))
        self.scores = torch.empty(0)

    def curves(self) -> dict[str, Tensor]:
        """Test the method; return all curves, by `kind/curve/layer`."""
        scores: list[Tensor] = []
        hook = self.method.loss.register_forward_pre_hook(lambda _, given: scores.append(given[0]))
        metrics = list(self.method.metrics.values())
        with Recorder(self.method.backbone, metrics, self.method.watch, self.method.encoding) as recorder:
            self.method.recorder = recorder
            evaluate(self.trainer, self.method, self.data)
        self.method.recorder = None
        hook.remove()
        self.scores = torch.cat(scores)[-SAMPLES:]  # a metric may run the network on a batch of the training first
        return {
            f"{kind}/{curve}/{layer}": values
            for kind in KINDS
            for curve, table in recorder.curves(kind).items()
            for layer, values in table.items()
        }


def _hooks(method: Method) -> dict[str, int]:
    """The number of hooks and probes of each layer."""
    return {
        name: len(module._forward_hooks) + len(module._forward_pre_hooks) + (getattr(module, "probe", None) is not None)
        for name, module in method.tested.named_modules()
    }


def _same(first: dict[str, Tensor], second: dict[str, Tensor], one: _Test, what: str) -> None:
    must(first.keys() == second.keys(), one.metric, f"{what}; got other curves")
    for name, values in first.items():
        close = values.shape == second[name].shape and torch.allclose(
            values, second[name], rtol=1e-4, atol=1e-6, equal_nan=True
        )
        must(close, one.metric, f"{what}; got other values in {name}")
