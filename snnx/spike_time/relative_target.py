"""Computes the loss of S4NN: compares the outputs' spike times with targets, which depend on the time of the first spike."""

import torch
from torch import Tensor, nn


class RelativeTarget(nn.Module):
    """Compares the spike times of the outputs with targets that depend on the time of the first one.

        first  = the earliest spike time of the outputs
        target = first                          for the label
                 min(first + gamma, steps)      for another class that fires less than gamma steps after the first
                 t                              for all others
        if no output fires before `steps`: steps - gamma_silent for the label, and steps for the others
        L      = mean over samples of 1/2 sum over classes of ((target - t)/steps)^2

    Targets have no gradient.

    Shape:
        outputs `[2, B, K]` or `[3, B, K]`, of which the second plane is `a = 1 - t/steps`, and labels `[B]`, to a scalar.

    Args:
        steps: number of time steps; a neuron that does not fire has this spike time.
        gamma: number of steps by which other classes should fire later than the label.
        gamma_silent: number of steps before the end at which the label should fire if no output fires.

    Raises:
        ValueError: labels are probabilities, as mixup makes them.

    Source: Kheradpisheh and Masquelier, S4NN, 2020, and its authors' code; BS4NN's code has `gamma_silent = 0`, so a sample for
        which no output fires changes nothing there.

    Example:
        >>> t = torch.tensor([[10.0, 12.0, 90.0]])                  # targets for label 1: 13, 10, 90
        >>> RelativeTarget(steps=100, gamma=3, gamma_silent=3).targets(t, torch.tensor([1])).tolist()
        [[13.0, 10.0, 90.0]]
    """

    def __init__(self, *, steps: int, gamma: int, gamma_silent: int) -> None:
        super().__init__()
        self.steps, self.gamma, self.gamma_silent = steps, gamma, gamma_silent

    def targets(self, times: Tensor, labels: Tensor) -> Tensor:
        """Return the target of each output, in steps, from spike times `[B, K]` in steps and labels `[B]`."""
        self.require_classes(labels)
        first = times.amin(1, keepdim=True)
        target = torch.where(times - first < self.gamma, (first + self.gamma).clamp(max=self.steps), times)
        silent = first == self.steps
        target = torch.where(silent, torch.full_like(times, self.steps), target)
        return target.scatter(1, labels[:, None], torch.where(silent, first - self.gamma_silent, first))

    @staticmethod
    def require_classes(labels: Tensor) -> None:
        """Reject labels that are not one class for each sample."""
        if labels.ndim != 1:
            raise ValueError(
                f"RelativeTarget: labels must be whole numbers, one for each sample; got {list(labels.shape)}; "
                "choose an augmentation without mixup"
            )

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        activation = outputs[1]
        times = ((1 - activation.detach()) * self.steps).round()
        error = self.targets(times, labels) / self.steps - (1 - activation)
        return error.square().sum(1).mean() / 2
