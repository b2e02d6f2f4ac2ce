"""Contracts that every loss must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import nn

from snnx.loss.loss import reads_every_step
from snnx.loss.misread import misread
from snnx.testing.close import close
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
    rule = misread(loss, scores.shape[-1])
    must(rule is None, loss, rule or "")
    value = loss(scores, LABELS)
    must(value.ndim == 0, loss, f"return one number for a batch; got a result of shape {list(value.shape)}: take its mean")
    must(bool(value.isfinite()), loss, f"return one finite number; got {value.item()}")
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
    same = close(loss(scores, LABELS), loss(scores.flip(-2), LABELS.flip(0)))
    hint = "" if reads_every_step(loss) else "; if it reads the outputs of every step, [T, B, K], it must set every_step = True"
    must(same, loss, f"not depend on the order of the samples in a batch; got another number{hint}")


def descent(make: Make) -> None:
    """A small step against the gradient lowers the value.

    Args:
        make: see `number`.
    """
    loss = make()
    scores = _scores(loss).requires_grad_()
    value = loss(scores, LABELS)
    (gradient,) = torch.autograd.grad(value, scores)
    first, second = float(value.detach()), float(loss(scores - 0.01 * gradient, LABELS).detach())
    must(second < first, loss, f"fall in a small step against its gradient; got {second:g} after {first:g}")


def probabilities(make: Make) -> None:
    """Labels may be probabilities `[B, K]`, as from an augmentation that mixes samples; of one class only, they give the same.

    Leave this contract out for a loss that takes numbers of classes only. Such a loss cannot be trained with `mixup`.

    Args:
        make: see `number`.
    """
    loss = make()
    scores = _scores(loss)
    soft = torch.rand(len(LABELS), 10, generator=torch.Generator().manual_seed(1)).softmax(1)
    value = loss(scores, soft)
    finite = value.ndim == 0 and bool(value.isfinite())
    must(finite, loss, f"return one finite number for labels that are probabilities; got {value.tolist()}")
    certain, hard = loss(scores, nn.functional.one_hot(LABELS, 10).float()), loss(scores, LABELS)
    must(close(certain, hard), loss, f"give the same for a label and for its probability of 1; got {hard:g} and {certain:g}")


CONTRACTS = (number, order_of_samples, descent, probabilities)
"""All contracts, for `pytest.mark.parametrize`."""

LABELS = torch.tensor([3, 0, 9, 3, 5])


def _scores(loss: nn.Module) -> torch.Tensor:
    shape = (4, len(LABELS), 10) if reads_every_step(loss) else (len(LABELS), 10)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))
