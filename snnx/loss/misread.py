"""Finds whether a loss reads what it is given: the decoded scores, or the outputs of every step if it says so."""

import torch

from snnx.loss.loss import Loss, reads_every_step

BATCH, STEPS = 3, 2


def misread(loss: Loss, classes: int) -> str | None:
    """Return how a loss must set `every_step`, if it fails on the input that it would get and works on the other one.

    Args:
        loss: the loss.
        classes: the number of classes, `K`.

    Returns:
        A rule such as `set every_step = True ...`, to be read after "must"; `None` if the loss reads what it is given, or reads
        neither, which the training reports.

    Example:
        >>> class Forgetful(torch.nn.Module):
        ...     def forward(self, outputs, labels):
        ...         return sum(torch.nn.functional.cross_entropy(scores, labels) for scores in outputs)
        >>> misread(Forgetful(), 10)
        'set every_step = True, because it reads [T, B, K]; without it, a loss is given scores [B, K]'
        >>> misread(torch.nn.CrossEntropyLoss(), 10) is None
        True
    """
    scores, outputs = torch.zeros(BATCH, classes), torch.zeros(STEPS, BATCH, classes)
    if reads_every_step(loss):
        if not _reads(loss, outputs) and _reads(loss, scores):
            return "not set every_step = True, because it reads scores [B, K]; with it, a loss is given the outputs [T, B, K]"
    elif not _reads(loss, scores) and _reads(loss, outputs):
        return "set every_step = True, because it reads [T, B, K]; without it, a loss is given scores [B, K]"
    return None


def _reads(loss: Loss, given: torch.Tensor) -> bool:
    try:
        return loss(given, torch.zeros(BATCH, dtype=torch.long, device=given.device)).numel() == 1
    except Exception:  # a loss may fail in any way
        return False
