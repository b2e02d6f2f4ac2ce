"""The interface that every option of the group `loss` follows."""

from typing import Protocol

from torch import Tensor


class Loss(Protocol):
    """Computes one number from scores and labels; any module with this call works, for example torch's losses.

    A loss that needs the backbone's outputs of every time step sets the class attribute `every_step = True`. It then receives
    the outputs `[T, B, K]` in place of the decoded scores `[B, K]`. Accuracy is always computed from the decoded scores. If
    these outputs must be spikes, it also sets `needs_spikes = True`; a network whose last layer does not fire is then refused.

    Shape:
        scores `[B, K]`, or outputs `[T, B, K]` with `every_step`, and labels `[B]` (or probabilities `[B, K]`) to a scalar.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> class LastMargin(nn.Module):
        ...     every_step = True
        ...     def forward(self, outputs, labels):
        ...         return nn.functional.multi_margin_loss(outputs[-1], labels)
        >>> reads_every_step(LastMargin()), reads_every_step(nn.CrossEntropyLoss())
        (True, False)
    """

    def __call__(self, scores: Tensor, labels: Tensor) -> Tensor: ...


def reads_every_step(loss: Loss) -> bool:
    """Return whether a loss reads the outputs of every time step; of a `partial`, its function is asked."""
    return bool(getattr(getattr(loss, "func", loss), "every_step", False))


def needs_spikes(loss: Loss) -> bool:
    """Return whether a loss needs spikes as outputs; of a `partial`, its function is asked."""
    return bool(getattr(getattr(loss, "func", loss), "needs_spikes", False))
