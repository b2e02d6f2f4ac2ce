"""What every decoding must hold, as functions that anybody's tests can call."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Make = Callable[[], nn.Module]


def shape(make: Make, timesteps: int = 4) -> None:
    """Spikes `[T, B, K]` become scores `[B, K]` that are finite, with a finite gradient.

    Args:
        make: builds the decoding; the others take the same.
        timesteps: T, for a decoding that is built for one.

    Raises:
        AssertionError: one line that says what must hold; so do all contracts.

    Example:
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> for contract in CONTRACTS:
        ...     contract(MeanLogits)
    """
    decoding, x = make(), _spikes(timesteps).requires_grad_()
    scores = decoding(x)
    expected = list(x.shape[1:])
    _must(list(scores.shape) == expected, decoding, f"make scores [B, K], {expected}; got {list(scores.shape)}")
    _must(bool(scores.isfinite().all()), decoding, "give finite scores; got inf or nan")
    scores.sum().backward()
    _must(x.grad is not None and bool(x.grad.isfinite().all()), decoding, "pass a finite gradient to the spikes; got none")


def batch_of_one(make: Make, timesteps: int = 4) -> None:
    """A sample alone gets the scores that it gets in a batch."""
    decoding, x = make(), _spikes(timesteps)
    whole = decoding(x)
    for sample in range(x.shape[1]):
        alone = decoding(x[:, sample : sample + 1])
        same = torch.allclose(alone, whole[sample : sample + 1])
        _must(same, decoding, "give a sample alone the scores that it has in a batch; got others")


CONTRACTS = (shape, batch_of_one)
"""All of them, for `pytest.mark.parametrize`."""


def _spikes(timesteps: int) -> Tensor:
    return torch.rand(timesteps, 3, 10, generator=torch.Generator().manual_seed(0)).round()


def _must(holds: bool, decoding: nn.Module, what: str) -> None:
    if not holds:
        raise AssertionError(f"{type(decoding).__name__}: must {what}")
