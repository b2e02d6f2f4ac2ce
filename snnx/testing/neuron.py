"""Contracts that every neuron must fulfil; any project's tests can call them."""

from collections.abc import Sequence

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

from snnx.neuron.kernel.find import definition_only
from snnx.neuron.kernel.trace import trace
from snnx.neuron.node import Node
from snnx.neuron.spiking import reads_later_steps
from snnx.testing.attributes import alike, kept, undeclared
from snnx.testing.firing_input import BATCH, STEPS, Make, firing_input, from_rest
from snnx.testing.must import must

TOLERANCE = 1e-6
"""Largest difference of a fused kernel's gradients, relative to their size: a kernel may add in another order than autograd."""


def spikes(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Spikes are 0 or 1 and have the shape and dtype of the input; the state is float32.

    A neuron that is no `Node`, such as a ReLU, may return other values than 0 and 1.

    Args:
        make: builds the neuron, with the same parameters at every call.
        shape: shape of one sample at one time step; give `(C, H, W)` for a neuron that needs channels or images.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the neuron must do.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> for contract in CONTRACTS:
        ...     contract(lambda: LIF(tau=3.0))
    """
    node, x = make(), firing_input(make, shape)
    for typed in (x, x.bfloat16()):
        s = from_rest(node, typed)
        must(s.shape == x.shape, node, f"return spikes of the shape of its input, {list(x.shape)}; got {list(s.shape)}")
        must(s.dtype == typed.dtype, node, f"return spikes of the dtype of its input, {typed.dtype}; got {s.dtype}")
        values = sorted(set(s.unique().tolist()))
        binary = set(values) <= {0.0, 1.0} or not isinstance(node, Node)
        must(binary, node, f"return spikes that are 0 or 1; got {values[:4]}")
        for name, state in _states(node).items():
            must(state.dtype == torch.float32, node, f"keep {name} in float32 for input in {typed.dtype}; got {state.dtype}")


def reset(make: Make, shape: Sequence[int] = (16,)) -> None:
    """After a reset, the neuron starts from rest, whatever its input and the size of its input were before.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    first = from_rest(node, x)
    for before in (3 * x, x[:, :1], *([] if reads_later_steps(node) else [x[:2]])):  # such a neuron takes whole sequences only
        node(before)
        _same(from_rest(node, x), first, node, "give the same spikes again after reset()", make, x)
    _same(from_rest(make(), x), first, node, "give the spikes of a new neuron after reset()", make, x)


def declared(make: Make, shape: Sequence[int] = (16,)) -> None:
    """What a neuron remembers of its input is a state that a reset restores, and not another attribute.

    Metrics, exporters and checkpoints see states only. A number or tensor that depends only on the input's shape may be kept
    anywhere.

    Args:
        make, shape: see `spikes`.
    """
    x = firing_input(make, shape)
    found = []
    for given in (x, 1 - 2 * x):
        node = make()
        node(given)
        found.append(kept(node))
    remembered = [name for name, value in found[0].items() if not alike(value, found[1].get(name))]
    declare = "a field of State" if isinstance(node, Node) else "a memory, by register_memory(name, value)"
    must(
        not remembered,
        node,
        f"keep what it remembers of its input in states; got {', '.join(remembered)}, which metrics and checkpoints cannot "
        f"see: make it {declare}",
    )


def causality(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Later inputs do not change earlier spikes, and the gradient of a spike with respect to later inputs is zero.

    A neuron that reads later steps, such as PSN, is exempt; metrics of answers before the last step refuse it.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    if reads_later_steps(node):
        return
    whole = from_rest(node, x)
    for t in range(1, STEPS):
        later = x.clone()
        later[t:] = -2 * x[t:] + 1
        _same(from_rest(node, later)[:t], whole[:t], node, f"give the same spikes up to step {t} for any later input", make, x)
    x = x.requires_grad_()
    (gradient,) = torch.autograd.grad(from_rest(node, x)[: STEPS // 2].sum(), x)
    must(not gradient[STEPS // 2 :].any(), node, "have no gradient of earlier spikes with respect to later inputs; got one")


def chunks(make: Make, shape: Sequence[int] = (16,)) -> None:
    """A sequence that is passed in two parts gives the spikes of the whole sequence, because the state is carried over.

    A neuron that reads later steps, such as PSN, is exempt.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    if reads_later_steps(node):
        return
    whole = from_rest(node, x)
    for t in (1, STEPS // 2, STEPS - 1):
        reset_net(node)
        parts = torch.cat([node(x[:t]), node(x[t:])])
        _same(parts, whole, node, f"give the spikes of the whole sequence if it is split after step {t}", make, x)


def batch_of_one(make: Make, shape: Sequence[int] = (16,)) -> None:
    """A sample gets the same spikes alone and in a batch.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    whole = from_rest(node, x)
    for sample in range(BATCH):
        alone = from_rest(node, x[:, sample : sample + 1])
        _same(alone, whole[:, sample : sample + 1], node, "give a sample the same spikes alone and in a batch", make, x)


def order_of_samples(make: Make, shape: Sequence[int] = (16,)) -> None:
    """The spikes of a sample do not depend on its position in the batch.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    other = torch.arange(BATCH - 1, -1, -1)
    _same(
        from_rest(node, x[:, other]),
        from_rest(node, x)[:, other],
        node,
        "not depend on the order of samples in a batch",
        make,
        x,
    )


def separate(make: Make, shape: Sequence[int] = (16,)) -> None:
    """Two neurons have separate states, as the layers of a network need.

    Args:
        make, shape: see `spikes`.
    """
    node, other, x = make(), make(), firing_input(make, shape)
    first = from_rest(node, x)
    reset_net(other)
    node(x)
    _same(other(x), first, node, "keep its state apart from that of another neuron", make, x)


def threshold(make: Make, shape: Sequence[int] = (16,)) -> None:
    """No spike is fired below the threshold that `thresholds()` reports to metrics, with and without a fused kernel.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    if not isinstance(node, Node):
        return
    shown: list[tuple[Tensor, Tensor, Tensor | float]] = []
    node.probe = lambda h, s: shown.append((h, s, node.thresholds()))
    from_rest(node, x)
    with definition_only():
        from_rest(node, x)
    for h, s, reported in shown:
        below = int((s > (h >= reported)).sum())
        must(not below, node, f"fire only at the threshold that it reports, or above; got {below} spikes below it")


def gradients(make: Make, shape: Sequence[int] = (16,)) -> None:
    """The input and every parameter get a finite gradient, for input that makes the neuron fire and for zero input.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    for scale, current in ((1.0, "input that makes it fire"), (0.0, "zero input")):
        found = _gradients(node, scale * x)
        for name, gradient in found.items():
            must(gradient is not None, node, f"pass a gradient to {name} for {current}; got none")
            must(bool(gradient.isfinite().all()), node, f"pass a finite gradient to {name} for {current}; got inf or nan")
    for name, gradient in _gradients(node, x).items():
        must(bool(gradient.any()), node, f"pass a gradient to {name} that is not zero everywhere; got zeros")


def fused(make: Make, shape: Sequence[int] = (16,)) -> None:
    """If a fused kernel computes the neuron, its spikes, states and gradients are those of the neuron's definition.

    If the step has an exponential or the like, states may differ in their last bits, because a kernel's is not torch's.

    Args:
        make, shape: see `spikes`.
    """
    node, x = make(), firing_input(make, shape)
    s, states, found = from_rest(node, x), _states(node), _gradients(node, x)
    if (path := getattr(node, "path", "definition")) == "definition":
        return
    exact = trace(node, x.dim() - 1).exact
    with definition_only():
        expected, expected_states, expected_gradients = from_rest(node, x), _states(node), _gradients(node, x)
    _same(s, expected, node, f"give the spikes of its definition on {path}")
    for name, state in states.items():
        reference = expected_states[name]
        equal = torch.equal(state, reference) if exact else torch.allclose(state, reference, rtol=1e-5, atol=1e-6)
        must(equal, node, f"end with the {name} of its definition on {path}; got another")
    for name, gradient in found.items():
        reference = expected_gradients[name]
        # the gradient of a scalar parameter sums the rounding errors of all neurons and steps
        scale = max(1.0, float(reference.abs().max()), x.numel() ** 0.5 if gradient.numel() == 1 else 0.0)
        error = float((gradient - reference).abs().max())
        must(
            error <= TOLERANCE * scale,
            node,
            f"pass the gradient of its definition to {name}; got one that differs by {error:.1e}",
        )


CONTRACTS = (spikes, reset, declared, causality, chunks, batch_of_one, order_of_samples, separate, threshold, gradients, fused)
"""All contracts, for `pytest.mark.parametrize`."""


def _states(node: Node) -> dict[str, Tensor]:
    return {name: getattr(node, name).detach() for name in node._memories} if isinstance(node, Node) else {}


def _gradients(node: Node, x: Tensor) -> dict[str, Tensor | None]:
    """The gradients of the input and of every parameter, by name; the spikes are summed with different weights."""
    x = x.detach().requires_grad_()
    node.zero_grad()
    s = from_rest(node, x)
    (s * torch.linspace(0.1, 1.0, s.numel()).view(s.shape)).sum().backward()
    return {"its input": x.grad, **{name: parameter.grad for name, parameter in node.named_parameters()}}


def _same(s: Tensor, expected: Tensor, node: Node, rule: str, make: Make | None = None, x: Tensor | None = None) -> None:
    """Require equal spikes; if they differ, look for attributes that a reset does not restore, with `make` and `x`."""
    if torch.equal(s, expected):
        return
    differing = f"{int((s != expected).sum())} of {s.numel()} that differ" if s.shape == expected.shape else ""
    got = differing or f"shape {list(s.shape)} instead of {list(expected.shape)}"
    names = ", ".join(undeclared(make, x)) if make is not None else ""
    must(False, node, f"{rule}; got {got}" + (f": {_advice(node, names)}" if names else ""))


def _advice(node: nn.Module, names: str) -> str:
    if isinstance(node, Node):
        return f"a reset must restore {names}: make it a field of State, with its value after a reset, and return it from step"
    return f"a reset must restore {names}: declare it in the constructor by register_memory(name, value)"
