"""What every loss must hold, as functions that anybody's tests can call."""

from collections.abc import Callable

import torch
from torch import nn

Make = Callable[[], nn.Module]


def number(make: Make) -> None:
    """Scores `[B, K]` and labels `[B]` become one finite number, with a finite gradient that is somewhere not zero.

    Args:
        make: builds the loss; the others take the same.

    Raises:
        AssertionError: one line that says what must hold; so do all contracts.

    Example:
        >>> for contract in CONTRACTS:
        ...     contract(nn.CrossEntropyLoss)
    """
    loss, scores = make(), _scores().requires_grad_()
    value = loss(scores, LABELS)
    _must(value.ndim == 0 and bool(value.isfinite()), loss, f"give one finite number; got {value.detach().tolist()}")
    value.backward()
    finite = scores.grad is not None and bool(scores.grad.isfinite().all())
    _must(finite and bool(scores.grad.any()), loss, "pass a finite gradient to the scores; got none")


def order_of_samples(make: Make) -> None:
    """Samples in another order give the same number."""
    loss, scores = make(), _scores()
    same = torch.allclose(loss(scores, LABELS), loss(scores.flip(0), LABELS.flip(0)))
    _must(same, loss, "not mind the order of the samples of a batch; got another number")


CONTRACTS = (number, order_of_samples)
"""All of them, for `pytest.mark.parametrize`."""

LABELS = torch.tensor([3, 0, 9, 3, 5])


def _scores() -> torch.Tensor:
    return torch.rand(len(LABELS), 10, generator=torch.Generator().manual_seed(0))


def _must(holds: bool, loss: nn.Module, what: str) -> None:
    if not holds:
        raise AssertionError(f"{type(loss).__name__}: must {what}")
