"""The mean of all outputs so far, of a run that comes in pieces."""

from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor


class RunningMean(MemoryModule):
    """`scores = mean over all steps seen since the last reset`: the potential of neurons that never fire, over time.

    Keeps a sum and a count, whatever the number of steps.

    Shape:
        `[T, B, K] -> [B, K]`.

    Example:
        >>> import torch
        >>> mean = RunningMean()
        >>> mean(torch.tensor([[[1.0]], [[3.0]]])).item(), mean(torch.tensor([[[8.0]]])).item()
        (2.0, 4.0)
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_memory("total", 0.0)
        self.register_memory("steps", 0)

    def by_step(self, outputs: Tensor) -> Tensor:
        """`[T, B, K]`: the mean up to each of these steps, which stay unseen."""
        counts = outputs.new_tensor(range(self.steps + 1, self.steps + len(outputs) + 1))
        return (outputs.cumsum(0) + self.total) / counts.view(-1, 1, 1)

    def forward(self, outputs: Tensor) -> Tensor:
        self.total = self.total + outputs.sum(0)
        self.steps = self.steps + len(outputs)
        return self.total / self.steps
