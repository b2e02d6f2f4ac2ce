"""Checks that a prediction depends on its sample only: not on the batch, on the order, or on earlier tests."""

import torch
from torch import Tensor

from snnx.audit.finding import FAILED, NOT_APPLICABLE, PASSED, Finding
from snnx.audit.subject import Subject

MARGIN = 1e-6
"""Two classes are tied if their scores differ by at most this share of the largest score; a tie may be broken in any way."""


def batch(subject: Subject) -> Finding:
    """Check that predictions are the same for single samples, for batches with a smaller last one, and for one batch."""
    whole, number = subject.scores(subject.everything, len(subject.labels)), len(subject.labels)
    for size, how in ((1, "alone"), (max(number - 1, 1), "in batches with one sample left over"), (100, "in batches of 100")):
        found = subject.scores(subject.everything, size)
        if (wrong := different(whole, found)) is not None:
            return Finding(FAILED, f"{_differ(wrong, whole, found, f'{how} than in one batch')}{_drawn(subject)}")
    return _same(whole, f"alone, in one batch and in several{_drawn(subject)}")


def order(subject: Subject) -> Finding:
    """Check that the samples get the same predictions in another order."""
    number = len(subject.labels)
    shuffled = torch.randperm(number, generator=torch.Generator().manual_seed(0))
    whole = subject.scores(subject.everything, 64)
    found = torch.empty_like(whole)
    found[shuffled] = subject.scores(shuffled, 64)
    if (wrong := different(whole, found)) is not None:
        return Finding(FAILED, f"{_differ(wrong, whole, found, 'in another order')}{_drawn(subject)}")
    return _same(whole, f"in another order{_drawn(subject)}")


def repeat(subject: Subject) -> Finding:
    """Check that a second test gives the same predictions, even if the encoding draws random numbers."""
    first, second = subject.tested(), subject.tested()
    if (wrong := different(first, second)) is not None:
        return Finding(FAILED, _differ(wrong, first, second, "in a second test"))
    return _same(first, "in a second test")


def different(first: Tensor, second: Tensor) -> Tensor | None:
    """Return the numbers of the samples whose predictions differ and are not tied, or `None` if there are none.

    Shape:
        scores `[N, K]`, twice.

    Example:
        >>> different(torch.tensor([[0.0, 1.0], [2.0, 2.0]]), torch.tensor([[1.0, 0.0], [2.0, 2.0 + 1e-9]]))
        tensor([0])
    """
    predicted, other = first.argmax(1), second.argmax(1)
    tied = (first.max(1).values - first.gather(1, other[:, None])[:, 0]) <= MARGIN * first.abs().amax(1)
    tied &= (second.max(1).values - second.gather(1, predicted[:, None])[:, 0]) <= MARGIN * second.abs().amax(1)
    found = ((predicted != other) & ~tied).nonzero()[:, 0]
    return found if len(found) else None


def _same(scores: Tensor, where: str) -> Finding:
    """Return that the check passed, or that it does not apply, since the network predicts one class for all samples."""
    predicted = scores.argmax(1)
    if len(predicted) > 1 and bool((predicted == predicted[0]).all()):
        one = f"class {int(predicted[0])} for all {len(predicted)} samples"
        return Finding(NOT_APPLICABLE, f"the network predicts {one}, so this check could not have failed")
    return Finding(PASSED, f"{len(predicted)} samples get the same predictions {where}")


def _differ(wrong: Tensor, first: Tensor, second: Tensor, where: str) -> str:
    sample = int(wrong[0])
    classes = f"class {int(second[sample].argmax())} instead of {int(first[sample].argmax())}"
    return f"{len(wrong)} of {len(first)} samples are classified differently {where}, for example as {classes}"


def _drawn(subject: Subject) -> str:
    return "; the encoding is random, so the spikes of each sample were drawn once and used again" if subject.draws else ""
