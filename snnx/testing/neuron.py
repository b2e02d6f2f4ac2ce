"""What every spiking neuron must hold, as functions that anybody's tests can call."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from snnx.neuron.kernel.find import definition_only
from snnx.neuron.node import Node

STEPS, BATCH = 9, 5
TOLERANCE = 1e-6
"""Of a fused kernel's gradients, as a share of their scale: it may add in another order than autograd."""

Make = Callable[[], Node]


def spikes(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Spikes are 0 or 1, of the shape and the precision of the input; the state is kept in float32 at least.

    Args:
        make: builds the neuron, always the same one.
        shape: of one sample at one step, for a neuron that needs channels or a picture; the others take the same.

    Raises:
        AssertionError: one line that says what must hold; so do all contracts.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> for contract in CONTRACTS:
        ...     contract(lambda: LIF(tau=3.0))
    """
    node, x = make(), firing_input(make, shape)
    for given in (x, x.bfloat16()):
        s = _from_rest(node, given)
        _must(s.shape == x.shape, node, f"give spikes of the shape of its input, {list(x.shape)}; got {list(s.shape)}")
        _must(s.dtype == given.dtype, node, f"give spikes of the precision of its input, {given.dtype}; got {s.dtype}")
        values = sorted(set(s.unique().tolist()))
        _must(set(values) <= {0.0, 1.0}, node, f"give spikes that are 0 or 1; got {values[:4]}")
        for name, state in _states(node).items():
            _must(state.dtype == torch.float32, node, f"keep {name} in float32 for input in {given.dtype}; got {state.dtype}")


def reset(make: Make, shape: Sequence[int] = (16,)) -> None:
    """After a reset the neuron starts from rest again, whatever it has seen."""
    node, x = make(), firing_input(make, shape)
    first = _from_rest(node, x)
    node(3 * x)
    _same(_from_rest(node, x), first, node, "give the same spikes again after reset()")
    _same(_from_rest(make(), x), first, node, "start like a new one after reset()")


def causality(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Later inputs never change earlier spikes, and no spike has a gradient in a later input."""
    node, x = make(), firing_input(make, shape)
    whole = _from_rest(node, x)
    for t in range(1, STEPS):
        later = x.clone()
        later[t:] = -2 * x[t:] + 1
        _same(_from_rest(node, later)[:t], whole[:t], node, f"give the same spikes up to step {t} whatever comes later")
    x = x.requires_grad_()
    (gradient,) = torch.autograd.grad(_from_rest(node, x)[: STEPS // 2].sum(), x)
    _must(not gradient[STEPS // 2 :].any(), node, "give earlier spikes no gradient in later inputs; got one")


def chunks(make: Make, shape: Sequence[int] = (16,)) -> None:
    """A sequence in two parts gives the spikes of the whole: all that the neuron remembers is in its state."""
    node, x = make(), firing_input(make, shape)
    whole = _from_rest(node, x)
    for t in (1, STEPS // 2, STEPS - 1):
        node.reset()
        parts = torch.cat([node(x[:t]), node(x[t:])])
        _same(parts, whole, node, f"give the spikes of the whole sequence when it is cut after step {t}")


def batch_of_one(make: Make, shape: Sequence[int] = (16,)) -> None:
    """A sample alone gives the spikes that it gives in a batch."""
    node, x = make(), firing_input(make, shape)
    whole = _from_rest(node, x)
    for sample in range(BATCH):
        alone = _from_rest(node, x[:, sample : sample + 1])
        _same(alone, whole[:, sample : sample + 1], node, "give a sample alone the spikes that it has in a batch")


def order_of_samples(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Samples in another order give the same spikes in that order."""
    node, x = make(), firing_input(make, shape)
    other = torch.arange(BATCH - 1, -1, -1)
    _same(_from_rest(node, x[:, other]), _from_rest(node, x)[:, other], node, "not mind the order of the samples of a batch")


def gradients(make: Make, shape: Sequence[int] = (16,)) -> None:
    """A gradient reaches the input and every parameter, and each is finite, whether a neuron fires or not."""
    node, x = make(), firing_input(make, shape)
    for scale, what in ((1.0, "input that makes it fire"), (0.0, "no input at all")):
        found = _gradients(node, scale * x)
        for name, gradient in found.items():
            _must(gradient is not None, node, f"pass a gradient to {name} with {what}; got none")
            _must(bool(gradient.isfinite().all()), node, f"pass a finite gradient to {name} with {what}; got inf or nan")
    for name, gradient in _gradients(node, x).items():
        _must(bool(gradient.any()), node, f"pass a gradient to {name} that is not zero everywhere; got zeros")


def fused(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Where a fused kernel serves the neuron it gives the spikes and states of the definition, and its gradients."""
    node, x = make(), firing_input(make, shape)
    s, states, found = _from_rest(node, x), _states(node), _gradients(node, x)
    if (path := node.path) == "definition":
        return
    with definition_only():
        expected, expected_states, wanted = _from_rest(node, x), _states(node), _gradients(node, x)
    _same(s, expected, node, f"give on {path} the spikes of its definition")
    for name, state in states.items():
        _must(torch.equal(state, expected_states[name]), node, f"end with the {name} of its definition")
    for name, gradient in found.items():
        # one number of a layer collects the rounding of all neurons and steps
        scale = max(1.0, float(wanted[name].abs().max()), x.numel() ** 0.5 if gradient.numel() == 1 else 0.0)
        apart = float((gradient - wanted[name]).abs().max())
        _must(apart <= TOLERANCE * scale, node, f"give the gradient of its definition to {name}; got one {apart:.1e} away")


CONTRACTS = (spikes, reset, causality, chunks, batch_of_one, order_of_samples, gradients, fused)
"""All of them, for `pytest.mark.parametrize`."""


def firing_input(make: Make, shape: Sequence[int]) -> Tensor:
    """A fixed random input `[T, B, *shape]` at which the neuron fires and is silent, each somewhere: no contract is idle.

    Raises:
        AssertionError: no input up to a hundred times the usual makes it fire.
    """
    x = torch.randn(STEPS, BATCH, *shape, generator=torch.Generator().manual_seed(0)) * 1.5 + 0.5
    for scale in (1.0, 3.0, 10.0, 30.0, 100.0):
        if 0 < float(_from_rest(make(), scale * x).detach().mean()) < 1:
            return scale * x
    raise AssertionError(f"{type(make()).__name__}: must fire at some inputs and be silent at others; got neither at any scale")


def _from_rest(node: Node, x: Tensor) -> Tensor:
    node.reset()
    return node(x)


def _states(node: Node) -> dict[str, Tensor]:
    return {name: getattr(node, name).detach() for name in node._memories}


def _gradients(node: Node, x: Tensor) -> dict[str, Tensor | None]:
    """Of the input and of every parameter, by name, after one backward with another weight for each spike."""
    x = x.detach().requires_grad_()
    node.zero_grad()
    s = _from_rest(node, x)
    (s * torch.linspace(0.1, 1.0, s.numel()).view(s.shape)).sum().backward()
    return {"its input": x.grad, **{name: parameter.grad for name, parameter in node.named_parameters()}}


def _same(s: Tensor, expected: Tensor, node: Node, what: str) -> None:
    other = int((s != expected).sum()) if s.shape == expected.shape else s.numel()
    _must(other == 0, node, f"{what}; got others in {other} of {expected.numel()} places")


def _must(holds: bool, node: Node, what: str) -> None:
    if not holds:
        raise AssertionError(f"{type(node).__name__}: must {what}")
