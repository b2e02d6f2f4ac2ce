"""Contracts that every part of a spiking attention must fulfil; any project's tests can call them."""

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor

from snnx.attention.attention import MakesDenoiser, MakesTemporal
from snnx.attention.self_attention import SelfAttention
from snnx.neuron.if_ import IF
from snnx.testing import over_time
from snnx.testing.must import must

STEPS, SAMPLES, TOKENS, DIM, HEADS = 6, 5, 7, 8, 2


def shape(temporal: MakesTemporal | None = None, denoiser: MakesDenoiser | None = None) -> None:
    """An attention with these parts keeps the shape of its input, and some of its neurons fire.

    If none or all of them fired, the other contracts would prove nothing.

    Args:
        temporal: makes the filter over time, called without arguments.
        denoiser: makes the map of scores, called with the number of heads and the width of a head.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the attention must do.

    Example:
        >>> from torch import nn
        >>> class Halved(nn.Module):                            # floor(v/2) is not for training: it has no gradient
        ...     def __init__(self, heads, head_dim):
        ...         super().__init__()
        ...     def forward(self, scores):
        ...         return scores / 2
        >>> for contract in CONTRACTS:
        ...     contract(denoiser=Halved)
    """
    attention, x = _built(temporal, denoiser), _input()
    y = attention(x)
    must(y.shape == x.shape, attention, f"keep the shape of its input, {list(x.shape)}; got {list(y.shape)}")
    rate = float(y.detach().mean())
    must(0 < rate < 1, attention, f"fire for some inputs and not for others; got a mean of {rate:g}")


def gradients(temporal: MakesTemporal | None = None, denoiser: MakesDenoiser | None = None) -> None:
    """Every parameter of the parts gets a finite gradient, and so does the input.

    Args:
        temporal, denoiser: see `shape`.
    """
    attention, x = _built(temporal, denoiser), _input().requires_grad_()
    y = attention(x)
    (y * torch.linspace(0.1, 1.0, y.numel()).view(y.shape)).sum().backward()
    for name, tensor in {"its input": x, **dict(attention.named_parameters())}.items():
        must(tensor.grad is not None or not tensor.requires_grad, attention, f"pass a gradient to {name}; got none")
        finite = tensor.grad is None or bool(tensor.grad.isfinite().all())
        must(finite, attention, f"pass a finite gradient to {name}; got inf or nan")


def rest(temporal: MakesTemporal | None = None, denoiser: MakesDenoiser | None = None) -> None:
    """In evaluation, no state of the previous input is left after a reset, whatever its size was.

    Args:
        temporal, denoiser: see `shape`.
    """
    over_time.rest(_built(temporal, denoiser).double().eval(), _input().double())


def causality(temporal: MakesTemporal | None = None, denoiser: MakesDenoiser | None = None) -> None:
    """In evaluation, a later input does not change earlier outputs.

    Args:
        temporal, denoiser: see `shape`.
    """
    over_time.causality(_built(temporal, denoiser).double().eval(), _input().double())


def batch_of_one(temporal: MakesTemporal | None = None, denoiser: MakesDenoiser | None = None) -> None:
    """In evaluation, a sample gives the same output alone and in a batch, and at any position in the batch.

    Args:
        temporal, denoiser: see `shape`.
    """
    attention = _built(temporal, denoiser).double().eval()
    over_time.batch_of_one(attention, _input().double())
    over_time.order_of_samples(attention, _input().double())


CONTRACTS = (shape, gradients, rest, causality, batch_of_one)
"""All contracts, for `pytest.mark.parametrize`."""


def _built(temporal: MakesTemporal | None, denoiser: MakesDenoiser | None) -> SelfAttention:
    """An attention that has seen one batch in training, so that its norms have statistics and its neurons fire."""
    torch.manual_seed(0)
    attention = SelfAttention(DIM, HEADS, lambda: IF(v_threshold=0.3), v_threshold=0.3, temporal=temporal, denoiser=denoiser)
    over_time.from_rest(attention, _input())
    reset_net(attention)
    return attention


def _input() -> Tensor:
    return 3 * torch.rand(STEPS, SAMPLES, TOKENS, DIM, generator=torch.Generator().manual_seed(0))
