"""Contracts that every decoding must fulfil; any project's tests can call them."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from snnx.testing.close import close
from snnx.testing.must import must
from snnx.testing.over_time import RESET, from_rest

Make = Callable[[], nn.Module]
SAMPLES, CLASSES = 5, 10


def shape(make: Make, timesteps: int = 4) -> None:
    """Outputs `[T, B, K]` of any number of steps become finite scores `[B, K]`, in training and in evaluation.

    Args:
        make: builds the decoding.
        timesteps: largest number of time steps, for a decoding that is built for a certain number.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the decoding must do.

    Example:
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> for contract in CONTRACTS:
        ...     contract(MeanLogits)
    """
    for decoding, x in _cases(make, timesteps):
        scores = from_rest(decoding, x)
        expected, found = list(x.shape[1:]), list(scores.shape)
        must(found == expected, decoding, f"return scores [B, K] = {expected} of {len(x)} steps; got {found}")
        must(bool(scores.isfinite().all()), decoding, f"return finite scores of {len(x)} steps; got inf or nan")


def gradients(make: Make, timesteps: int = 4) -> None:
    """The outputs get a finite gradient, which is not zero everywhere.

    Args:
        make, timesteps: see `shape`.
    """
    decoding, x = make(), _outputs(timesteps).requires_grad_()
    (decoding(x) * torch.linspace(0.1, 1.0, CLASSES)).sum().backward()
    must(x.grad is not None and bool(x.grad.isfinite().all()), decoding, "pass a finite gradient to the outputs; got none")
    must(bool(x.grad.any()), decoding, "pass a gradient to the outputs that is not zero everywhere; got zeros")


def rest(make: Make, timesteps: int = 4) -> None:
    """After a reset, the previous outputs do not change the scores, whatever their size was.

    Args:
        make, timesteps: see `shape`.
    """
    for decoding, x in _cases(make, timesteps):
        first = from_rest(decoding, x)
        for before in (2 * _outputs(timesteps), _outputs(timesteps)[:1, :2]):
            from_rest(decoding, before)
            must(
                close(from_rest(decoding, x), first),
                decoding,
                f"give the same scores again after a reset; got different ones: {RESET}",
            )


def batch_of_one(make: Make, timesteps: int = 4) -> None:
    """A sample gets the same scores alone and in a batch.

    Args:
        make, timesteps: see `shape`.
    """
    for decoding, x in _cases(make, timesteps):
        whole = from_rest(decoding, x)
        for sample in range(SAMPLES):
            same = close(from_rest(decoding, x[:, sample : sample + 1]), whole[sample : sample + 1])
            must(same, decoding, "give a sample the same scores alone and in a batch; got different ones")


def order_of_samples(make: Make, timesteps: int = 4) -> None:
    """The scores of a sample do not depend on its position in the batch.

    Args:
        make, timesteps: see `shape`.
    """
    for decoding, x in _cases(make, timesteps):
        same = close(from_rest(decoding, x.flip(1)), from_rest(decoding, x).flip(0))
        must(same, decoding, "not depend on the order of samples in a batch; got different scores")


CONTRACTS = (shape, gradients, rest, batch_of_one, order_of_samples)
"""All contracts, for `pytest.mark.parametrize`."""


def _cases(make: Make, timesteps: int) -> Iterator[tuple[nn.Module, Tensor]]:
    """A decoding in training and one in evaluation, each with outputs of every number of steps."""
    for training in (True, False):
        decoding = make().train(training)
        for steps in range(1, timesteps + 1):
            yield decoding, _outputs(timesteps)[:steps]


def _outputs(timesteps: int) -> Tensor:
    return torch.randn(timesteps, SAMPLES, CLASSES, generator=torch.Generator().manual_seed(0)) + 0.5
