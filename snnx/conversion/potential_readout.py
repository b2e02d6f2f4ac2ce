"""Computes the scores of a converted network whose spikes have values: potential / number of presentations of the image."""

from torch import Tensor

from snnx.conversion.dendrite import Dendrite
from snnx.decoding.running_mean import RunningMean


class PotentialReadout(RunningMean):
    """Adds up the currents of the outputs, and divides by the number of presentations of the image that have begun.

        score[b, k] = (sum over all steps t since the reset of dendrite(y)[t, b, k]) / presentations

    Shape:
        `[T, B, K]` to `[B, K]`.

    Args:
        dendrite: computes the currents of the outputs from the spikes of the last layer of neurons.

    Example:
        >>> import torch
        >>> readout = PotentialReadout(Dendrite(lambda t: 0.5**t, every=2, bias=torch.tensor([1.0])))
        >>> y = torch.ones(3, 1, 1)
        >>> readout.by_step(y).flatten().tolist(), readout(y).item()           # 2, 2.5, and 3.75 in two presentations
        ([2.0, 2.5, 1.875], 1.875)
    """

    def __init__(self, dendrite: Dendrite) -> None:
        super().__init__()
        self.dendrite = dendrite

    def by_step(self, outputs: Tensor) -> Tensor:
        step = self.dendrite.step
        scores = self._scores(outputs)[0]
        self.dendrite.step = step
        return scores

    def forward(self, outputs: Tensor) -> Tensor:
        scores, self.total = self._scores(outputs)
        return scores[-1]

    def _scores(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores after each step, `[T, B, K]`, and the potential after the last one."""
        presentations = self.dendrite.presentations(len(outputs)).to(outputs.device)
        potential = self.dendrite(outputs).cumsum(0) + self.total
        return potential / presentations.view(-1, 1, 1), potential[-1]
