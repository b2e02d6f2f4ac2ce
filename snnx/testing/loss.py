"""Contracts that every loss must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import nn

from snnx.loss.loss import reads_every_step
from snnx.testing.must import must

Make = Callable[[], nn.Module]


def number(make: Make) -> None:
    """Scores `[B, K]` and labels `[B]` become one finite number, whose gradient is finite and not zero everywhere.

    In all contracts, a loss with `every_step = True` gets outputs `[T, B, K]` in place of the scores.

    Args:
        make: builds the loss.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the loss must do.

    Example:
        >>> for contract in CONTRACTS:
        ...     contract(nn.CrossEntropyLoss)
    """
    loss = make()
    scores = _scores(loss).requires_grad_()
    value = loss(scores, LABELS)
    must(value.ndim == 0 and bool(value.isfinite()), loss, f"return one finite number; got {value.detach().tolist()}")
    value.backward()
    finite = scores.grad is not None and bool(scores.grad.isfinite().all())
    must(finite and bool(scores.grad.any()), loss, "pass a finite gradient to the scores; got none")


def order_of_samples(make: Make) -> None:
    """The value does not depend on the order of the samples.

    Args:
        make: see `number`.
    """
    loss = make()
    scores = _scores(loss)
    same = torch.allclose(loss(scores, LABELS), loss(scores.flip(-2), LABELS.flip(0)))
    must(same, loss, "not depend on the order of the samples in a batch; got another number")


CONTRACTS = (number, order_of_samples)
"""All contracts, for `pytest.mark.parametrize`."""

LABELS = torch.tensor([3, 0, 9, 3, 5])


def _scores(loss: nn.Module) -> torch.Tensor:
    shape = (4, len(LABELS), 10) if reads_every_step(loss) else (len(LABELS), 10)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))
