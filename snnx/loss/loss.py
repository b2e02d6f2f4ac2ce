"""What an option of the group `loss` does."""

from typing import Protocol

from torch import Tensor


class Loss(Protocol):
    """One number from what the network says and the labels; any `nn.Module` that is called so will do, such as torch's.

    A loss that wants the backbone's outputs of every step has the class attribute `every_step = True`, and gets `[T, B, K]` in
    place of the decoded scores `[B, K]`. Accuracy is that of the decoded scores in both cases.

    Shape:
        scores `[B, K]`, or `[T, B, K]` with `every_step`, and labels `[B]` (or probabilities `[B, K]`) to a scalar.

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
    """Whether the loss wants the outputs of every step."""
    return bool(getattr(loss, "every_step", False))
