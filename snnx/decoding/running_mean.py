"""The mean of all outputs since the last reset, for a run that is simulated in pieces."""

import torch
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor


class RunningMean(MemoryModule):
    """Takes the mean over all steps since the last reset.

    This is the potential of an output neuron that does not fire, divided by the number of steps.

        score[b, k] = (sum over all steps t since the reset of y[t, b, k]) / number of these steps

    It stores one sum and one count, whatever the number of steps is. The sum is in float32 or wider: in bfloat16 a sum of
    thousands of steps would be wrong by a sixth.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Example:
        >>> mean = RunningMean()
        >>> mean(torch.tensor([[[1.0]], [[3.0]]])).item(), mean(torch.tensor([[[8.0]]])).item()
        (2.0, 4.0)
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_memory("total", 0.0)
        self.register_memory("steps", 0)

    def by_step(self, outputs: Tensor) -> Tensor:
        """Return the mean up to each step of `outputs`, `[T, B, K]`, without adding these steps to the state."""
        outputs = _wide(outputs)
        counts = outputs.new_tensor(range(self.steps + 1, self.steps + len(outputs) + 1))
        return (outputs.cumsum(0) + self.total) / counts.view(-1, 1, 1)

    def forward(self, outputs: Tensor) -> Tensor:
        self.total = self.total + _wide(outputs).sum(0)
        self.steps = self.steps + len(outputs)
        return self.total / self.steps


def _wide(outputs: Tensor) -> Tensor:
    return outputs.to(torch.promote_types(outputs.dtype, torch.float32))
