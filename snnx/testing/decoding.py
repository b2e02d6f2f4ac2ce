"""Contracts that every decoding must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from snnx.testing.must import must

Make = Callable[[], nn.Module]


def shape(make: Make, timesteps: int = 4) -> None:
    """Spikes `[T, B, K]` become finite scores `[B, K]`, and the gradient of the spikes is finite.

    Args:
        make: builds the decoding.
        timesteps: number of time steps of the spikes, for a decoding that is built for a certain number.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the decoding must do.

    Example:
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> for contract in CONTRACTS:
        ...     contract(MeanLogits)
    """
    decoding, x = make(), _spikes(timesteps).requires_grad_()
    scores = decoding(x)
    expected = list(x.shape[1:])
    must(list(scores.shape) == expected, decoding, f"return scores [B, K] = {expected}; got {list(scores.shape)}")
    must(bool(scores.isfinite().all()), decoding, "return finite scores; got inf or nan")
    scores.sum().backward()
    must(x.grad is not None and bool(x.grad.isfinite().all()), decoding, "pass a finite gradient to the spikes; got none")


def batch_of_one(make: Make, timesteps: int = 4) -> None:
    """A sample gets the same scores alone and in a batch.

    Args:
        make, timesteps: see `shape`.
    """
    decoding, x = make(), _spikes(timesteps)
    whole = decoding(x)
    for sample in range(x.shape[1]):
        alone = decoding(x[:, sample : sample + 1])
        same = torch.allclose(alone, whole[sample : sample + 1])
        must(same, decoding, "give a sample the same scores alone and in a batch; got different ones")


CONTRACTS = (shape, batch_of_one)
"""All contracts, for `pytest.mark.parametrize`."""


def _spikes(timesteps: int) -> Tensor:
    return torch.rand(timesteps, 3, 10, generator=torch.Generator().manual_seed(0)).round()
