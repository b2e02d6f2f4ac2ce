"""Contracts of every option of a group, as functions that raise; `tests/test_contracts.py` applies them to all of `conf/`."""

from collections.abc import Callable, Mapping
from functools import cache

import torch
from composing import composed
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.init.init import DrawsWeights
from snnx.loss.loss import Loss, reads_every_step
from snnx.method.base import Method
from snnx.metric.metric import Metric
from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.node import Node
from snnx.norm.norm import MakesNorm
from snnx.options.folders import shipped
from snnx.quantization.quantization import Quantization
from snnx.run.component import component
from snnx.surrogate.surrogate import Surrogate
from snnx.testing import method as methods
from snnx.testing import metric as metrics
from snnx.testing.images import CLASSES, SHAPE

STEPS, SAMPLES = 6, 5
PIPELINES = {
    "spiking": ("timesteps=4", "neuron.v_threshold=0.1", "norm=none", "init=kaiming"),
    "attention": (
        "timesteps=4", "neuron.v_threshold=0.1", "norm=none", "init=kaiming", "attention=[tasa,nsad]",
        "attention.denoiser.threshold=1", "backbone=spikformer", "backbone.embed_dim=32", "backbone.heads=2",
        "backbone.depth=1", "backbone.pools=1", "backbone.v_threshold=0.1",
    ),
    "first spikes": ("timesteps=4", "neuron=ttfs", "init=ettfs"),
    "spike times": ("method=ttfs", "backbone=mlp", "backbone.hidden=[16]", "backbone.bias=false"),
    "converted": ("method=conversion", "timesteps=20"),
}  # fmt: skip
"""Small networks of each kind, in which every layer fires; a metric and a method must fit at least one of them."""


def options(group: str) -> list[str]:
    """The names of a group's options in `conf/`."""
    return sorted(path.stem for path in (shipped("conf") / group).glob("*.yaml"))


def option(group: str, name: str, *words: str) -> object:
    """Build the component of an option, with the default options of all other groups."""
    return component(composed(f"{group}={name}", *words).config, group)


def same(first: Tensor, second: Tensor) -> bool:
    """Whether two results are equal up to rounding, which can differ if a batch has another size."""
    return first.shape == second.shape and torch.allclose(first.double(), second.double(), rtol=1e-4, atol=1e-5)


def from_rest(network: nn.Module, x: Tensor) -> Tensor:
    reset_net(network)
    with torch.no_grad():
        return network(x)


# contracts of everything with a state over time: neurons, and backbones in evaluation


def starts_from_rest(network: nn.Module, x: Tensor) -> None:
    """After a reset, no state of the previous batch is left, whatever its size was."""
    first = from_rest(network, x)
    for before in (2 * x, x[:, :1], x[:2]):
        from_rest(network, before)
        assert same(from_rest(network, x), first), "state is left after a reset: register it, so that reset_net finds it"


def is_causal(network: nn.Module, x: Tensor) -> None:
    """The input at a time step does not change earlier outputs."""
    later = torch.cat([x[:4], x[4:].flip(0) + 1])
    assert same(from_rest(network, later)[:4], from_rest(network, x)[:4]), "a later input changes an earlier output"


def runs_in_pieces(network: nn.Module, x: Tensor) -> None:
    """A sequence that is passed in pieces without a reset gives the output of the whole sequence."""
    whole = from_rest(network, x)
    reset_net(network)
    with torch.no_grad():
        pieces = torch.cat([network(x[:3]), network(x[3:4]), network(x[4:])])
    assert same(pieces, whole), "state is not carried from piece to piece"


def keeps_samples_apart(network: nn.Module, x: Tensor) -> None:
    """A sample gives the same output alone and in a batch, at any position in the batch."""
    whole = from_rest(network, x)
    for i in range(x.shape[1]):
        assert same(from_rest(network, x[:, i : i + 1]), whole[:, i : i + 1]), "a sample depends on its batch"
    order = torch.tensor([3, 1, 4, 0, 2])
    assert same(from_rest(network, x[:, order]), whole[:, order]), "a sample depends on its place in the batch"


def goes_through_time(network: nn.Module, x: Tensor) -> None:
    for check in (starts_from_rest, is_causal, runs_in_pieces, keeps_samples_apart):
        check(network, x)


def neuron(make: Callable[[], nn.Module]) -> None:
    """A neuron: its state over time, shape and dtype of its spikes, a finite gradient, a separate state, its threshold."""
    torch.manual_seed(0)
    x = 3 * torch.randn(STEPS, SAMPLES, 7) + 0.5
    goes_through_time(make(), x)
    goes_through_time(make(), x.unflatten(2, (7, 1, 1)))
    layer, other, leaf = make(), make(), x.clone().requires_grad_()
    y = layer(leaf)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    y.sum().backward()
    assert torch.isfinite(leaf.grad).all()
    assert (leaf.grad != 0).any(), "no gradient reaches the input"
    assert same(other(x), y), "two layers share their state"
    if isinstance(layer, Node):
        assert ((y == 0) | (y == 1)).all(), "a spike is 0 or 1"
        assert 0 < y.mean() < 1, "the neuron never fires, or always"
        fires_where_it_says(make())


def fires_where_it_says(node: Node) -> None:
    """No neuron fires below the threshold that it reports to metrics at each step, with and without its kernel."""
    x, shown = 3 * torch.randn(STEPS, SAMPLES, 7) + 0.5, []
    node.probe = lambda h, s: shown.append((h, s, node.thresholds()))
    from_rest(node, x)
    with definition_only():
        from_rest(node, x)
    for h, s, threshold in shown:
        assert (s <= (h >= threshold)).all(), "a spike below the threshold that the neuron says it has"


def backbone(make: Callable[..., nn.Module], neuron: Callable[[], nn.Module]) -> None:
    """A backbone: scores of every step for any T and B, state over time, a gradient for every weight, and the width factor."""
    torch.manual_seed(0)
    network = make(neuron=neuron, in_shape=(2, 32, 32), classes=3, width=0.125)
    x = torch.rand(STEPS, SAMPLES, 2, 32, 32)
    for steps, samples in ((STEPS, SAMPLES), (1, 2)):
        reset_net(network)
        y = network(x[:steps, :samples])
        assert y.shape == (steps, samples, 3)
    reset_net(network)
    network(x).square().sum().backward()
    assert not [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None], "unused weights"
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    goes_through_time(network.double().eval(), x.double())
    wide = make(neuron=neuron, in_shape=(2, 32, 32), classes=3, width=0.5)
    assert _size(wide) > _size(network)


def _size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def norm(make: MakesNorm) -> None:
    """A norm of maps and tokens: same shape, gradients, and in evaluation steps and samples that do not affect each other."""
    torch.manual_seed(0)
    for shape in ((4, SAMPLES, 3, 5, 6), (4, SAMPLES, 3)):
        for meets_sum in (False, True):
            made = make(3, v_threshold=0.7, meets_sum=meets_sum)
            x = (2 * torch.randn(shape) + 1).requires_grad_()
            y = made(x)
            assert y.shape == x.shape
            y.square().sum().backward()
            assert torch.isfinite(x.grad).all()
            assert not [name for name, p in made.named_parameters() if p.grad is None]
            made, x = made.eval(), x.detach()
            before = {key: value.clone() for key, value in made.state_dict().items()}
            assert same(from_rest(made, torch.cat([x[:2], x[2:] + 1]))[:2], from_rest(made, x)[:2]), "a step sees a later one"
            keeps_samples_apart(made, x)
            assert all(torch.equal(value, before[key]) for key, value in made.state_dict().items()), "evaluation trains it"


def decoding(make: Callable[[], nn.Module]) -> None:
    """A decoding: scores for any number of steps, independent samples, no state after a reset, and a gradient."""
    torch.manual_seed(0)
    for mode in (True, False):
        made = make().train(mode)
        y = (torch.randn(4, SAMPLES, 3) + 0.5).requires_grad_()
        scores = made(y)
        assert scores.shape == (SAMPLES, 3)
        if mode:
            scores.sum().backward()
            assert torch.isfinite(y.grad).all()
        y = y.detach()
        for steps in range(1, 5):
            whole = from_rest(made, y[:steps])
            assert whole.shape == (SAMPLES, 3)
            from_rest(made, 2 * y)
            assert same(from_rest(made, y[:steps]), whole), "state is left after a reset"
            assert same(from_rest(made, y[:steps, 1:2]), whole[1:2]), "a sample depends on its batch"
            assert same(from_rest(made, y[:steps].flip(1)), whole.flip(0)), "a sample depends on its place in the batch"


def loss(made: Loss) -> None:
    """A loss: a finite number for hard and soft labels, independent of the order of samples, that its gradient decreases."""
    torch.manual_seed(0)
    shape = (4, SAMPLES, 3) if reads_every_step(made) else (SAMPLES, 3)
    hard = torch.tensor([0, 1, 2, 1, 0])
    soft = torch.rand(SAMPLES, 3).softmax(1)
    for labels in (hard, soft, nn.functional.one_hot(hard, 3).float()):
        scores = torch.randn(shape, requires_grad=True)
        value = made(scores, labels)
        assert value.ndim == 0
        assert torch.isfinite(value)
        (slope,) = torch.autograd.grad(value, scores)
        with torch.no_grad():
            assert made(scores - 0.01 * slope, labels) < value, "a step against the gradient does not lower it"
            assert same(made(scores.flip(-2), labels.flip(0)), value), "the order of samples changes it"


def surrogate(made: Surrogate) -> None:
    """A surrogate: forward is the step; the slope is finite, never negative, positive at the threshold, and keeps the dtype."""
    for dtype in (torch.float32, torch.float64):
        x = torch.linspace(-5, 5, 201, dtype=dtype).requires_grad_()
        s = made(x)
        assert s.dtype == dtype
        assert torch.equal(s, (x >= 0).to(dtype)), "forward is not the step"
        s.sum().backward()
        assert torch.isfinite(x.grad).all()
        assert (x.grad >= 0).all(), "a slope is negative"
        assert x.grad[100] > 0, "there is no slope at the threshold"
        assert x.grad[[0, -1]].max() <= x.grad[100], "the slope is larger far from the threshold than at it"


def encoding(make: Callable[..., nn.Module]) -> None:
    """An encoding: time first, `out_channels` channels, repeatable evaluation, and independent samples if it draws nothing."""
    torch.manual_seed(0)
    made = make(in_channels=2)
    shape = (SAMPLES, 2, 8, 8) if made.sample_dims == 3 else (SAMPLES, made.timesteps, 2, 8, 8)
    images = torch.rand(shape) if made.sample_dims == 3 else torch.randint(0, 3, shape).float()
    for mode in (True, False):
        y = from_rest(made.train(mode), images)
        assert y.shape == (made.timesteps, SAMPLES, made.out_channels, 8, 8)
        assert y.dtype == images.dtype
    evaluated = []
    for _ in range(2):
        made.begin_evaluation()
        evaluated.append(from_rest(made, images))
    assert torch.equal(*evaluated), "two evaluations see different spikes"
    made.train()
    reset_net(made)
    drawn = not any(p.requires_grad for p in made.parameters()) and not torch.equal(made(images), from_rest(made, images))
    made.eval().begin_evaluation()
    if not drawn:
        assert same(from_rest(made, images[1:2]), evaluated[0][:, 1:2]), "a sample depends on its batch"


def init(made: DrawsWeights) -> None:
    """All convolutions and linear layers are drawn, from torch's generator; norms and neurons keep their values."""
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), IF(), nn.AvgPool2d(2), nn.Conv2d(4, 4, 3, groups=2, bias=False), nn.Flatten(),
        nn.Linear(36, 5),
    )  # fmt: skip
    drawn = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    found = []
    for seed in (0, 0, 1):
        for parameter in network.parameters():
            nn.init.constant_(parameter, 7.0)
        torch.manual_seed(seed)
        assert made(network) is None
        found.append({name: p.detach().clone() for name, p in network.named_parameters()})
    for name, first in found[0].items():
        assert torch.isfinite(first).all()
        assert torch.equal(first, found[1][name]), "the same seed gives other weights"
        if name.rpartition(".")[0] in drawn:
            assert not (first == 7.0).any(), f"{name} was not drawn"
        else:
            assert (first == 7.0).all(), f"{name} was drawn, but is not a weight or bias of a convolution or linear layer"
        if name.endswith("weight") and name.rpartition(".")[0] in drawn:
            assert not torch.equal(first, found[2][name]), "another seed gives the same weights"


def attention(parts: Mapping[str, Callable[..., nn.Module]]) -> None:
    """Attention with these parts keeps the shape, is causal, keeps no state, keeps samples apart, and trains the parts."""
    torch.manual_seed(0)
    assert parts
    assert set(parts) <= {"temporal", "denoiser"}
    layer = SelfAttention(8, 2, lambda: IF(v_threshold=0.3), v_threshold=0.3, **parts)
    x = 3 * torch.rand(STEPS, SAMPLES, 7, 8)
    y = layer(x)
    assert y.shape == x.shape
    assert 0 < y.mean() < 1, "the layer never fires, or always, so the checks below would show nothing"
    (y * torch.rand(y.shape)).sum().backward()
    for name, module in layer.named_modules():
        for key, parameter in module.named_parameters(recurse=False) if "temporal" in name or "denoiser" in name else ():
            assert parameter.grad is None or torch.isfinite(parameter.grad).all(), f"the gradient of {name}.{key} is not finite"
            assert parameter.grad is not None or not parameter.requires_grad, f"no gradient reaches {name}.{key}"
    evaluated = layer.eval().double()
    for check in (starts_from_rest, is_causal, keeps_samples_apart):
        check(evaluated, x.double())


def quantization(made: Quantization) -> None:
    """Weights have at most 2^bits values within the context, closer ones with more bits, and their old values after it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 5))
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    same_objects = list(network.parameters())
    apart = {}
    for bits in sorted({*made.bits, 2, 4, 8}):
        with made.applied(network, bits):
            found = {name: p.detach().clone() for name, p in network.named_parameters()}
        changed = {name for name in found if not torch.equal(found[name], before[name])}
        assert changed == {"0.weight", "3.weight"}, "weights and only weights must be rounded"
        assert all(len(found[name].unique()) <= 2**bits for name in changed), f"weights have more than 2^{bits} values"
        apart[bits] = sum(float((found[name] - before[name]).square().sum()) for name in changed)
        assert all(torch.equal(p, before[name]) for name, p in network.named_parameters()), "weights are not restored"
    assert list(apart.values()) == sorted(apart.values(), reverse=True), "more bits give a larger error"
    try:
        with made.applied(network, 4):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert all(torch.equal(p, before[name]) for name, p in network.named_parameters()), "weights are not restored"
    assert all(one is other for one, other in zip(network.parameters(), same_objects, strict=True)), "parameters are replaced"


@cache
def configuration(words: tuple[str, ...]) -> dict:
    return composed(*words).config


def built(words: tuple[str, ...], **further: object) -> Method:
    """The method of a configuration, for the images of `snnx.testing.images`, with the weights of its `init`."""
    config = configuration(words)
    made = component(config, "method")(in_shape=SHAPE, classes=CLASSES, **further)
    if (draw := component(config, "init")) is not None:
        draw(made.backbone)
    return made


def method(name: str) -> None:
    """A method holds the contracts of `snnx.testing.method` in each pipeline that it can be built in, and there is one."""
    own, plain = f"method={name}", [words for words in PIPELINES.values() if not any("method=" in word for word in words)]
    tried = 0
    for words in [*((*words, own) for words in plain), *(words for words in PIPELINES.values() if own in words)]:
        try:
            built(words, metric={})
        except ValueError:
            continue
        tried += 1
        for contract in methods.CONTRACTS:
            contract(lambda words=words: built(words, metric={}))
    assert tried, f"method={name} fits none of the pipelines: add one to PIPELINES"


def metric(make: Callable[[], Metric]) -> None:
    """A metric holds the contracts of `snnx.testing.metric` in each pipeline that it measures, and there is one."""
    measured = [words for words in PIPELINES.values() if measures(make, words)]
    assert measured, f"{type(make()).__name__} fits none of the pipelines: add one to PIPELINES"
    for words in measured:
        for contract in metrics.CONTRACTS:
            contract(make, lambda metric, words=words: built(words, metric=metric).double())


def measures(make: Callable[[], Metric], words: tuple[str, ...]) -> bool:
    """Whether the metric accepts the network of a pipeline and gives a number for it."""
    try:
        metrics.numbers(make, lambda metric: built(words, metric=metric).double())
    except ValueError:
        return False
    except AssertionError as error:
        if "give a curve" not in str(error):
            raise
        return False
    return True
