"""What every loss must hold, as functions that anybody's tests can call."""

from collections.abc import Callable

import torch
from torch import nn

from snnx.loss.loss import reads_every_step

Make = Callable[[], nn.Module]


def number(make: Make) -> None:
    """Scores `[B, K]` and labels `[B]` become one finite number, with a finite gradient that is somewhere not zero.

    A loss with `every_step = True` is given outputs `[T, B, K]` instead, here and in the other contracts.

    Args:
        make: builds the loss; the others take the same.

    Raises:
        AssertionError: one line that says what must hold; so do all contracts.

    Example:
        >>> for contract in CONTRACTS:
        ...     contract(nn.CrossEntropyLoss)
    """
    loss = make()
    scores = _scores(loss).requires_grad_()
    value = loss(scores, LABELS)
    _must(value.ndim == 0 and bool(value.isfinite()), loss, f"give one finite number; got {value.detach().tolist()}")
    value.backward()
    finite = scores.grad is not None and bool(scores.grad.isfinite().all())
    _must(finite and bool(scores.grad.any()), loss, "pass a finite gradient to the scores; got none")


def order_of_samples(make: Make) -> None:
    """Samples in another order give the same number."""
    loss = make()
    scores = _scores(loss)
    same = torch.allclose(loss(scores, LABELS), loss(scores.flip(-2), LABELS.flip(0)))
    _must(same, loss, "not mind the order of the samples of a batch; got another number")


CONTRACTS = (number, order_of_samples)
"""All of them, for `pytest.mark.parametrize`."""

LABELS = torch.tensor([3, 0, 9, 3, 5])


def _scores(loss: nn.Module) -> torch.Tensor:
    shape = (4, len(LABELS), 10) if reads_every_step(loss) else (len(LABELS), 10)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def _must(holds: bool, loss: nn.Module, what: str) -> None:
    if not holds:
        raise AssertionError(f"{type(loss).__name__}: must {what}")
