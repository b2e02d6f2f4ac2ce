"""Computes how many time steps each epoch of a training has, with fewer steps in the first epochs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Early:
    """The first epochs are trained with fewer steps, which takes less time, and the last ones with all steps.

    Args:
        timesteps: number of steps of the first epochs, at least 1.
        epochs: share of the epochs that have so few steps, between 0 and 1.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> early = Early(timesteps=2, epochs=0.75)
        >>> [early.steps(epoch, epochs=8, whole=4) for epoch in range(8)]
        [2, 2, 2, 2, 2, 2, 4, 4]
    """

    timesteps: int
    epochs: float

    def __post_init__(self) -> None:
        if self.timesteps < 1:
            raise ValueError(f"Direct: early.timesteps must be at least 1; got {self.timesteps}")
        if not 0 < self.epochs < 1:
            raise ValueError(f"Direct: early.epochs must be a share of the epochs between 0 and 1; got {self.epochs}")

    def steps(self, epoch: int, *, epochs: int, whole: int) -> int:
        """Return the number of steps of an epoch, counted from 0, of a training of `epochs` with `whole` steps at its end."""
        return self.timesteps if epoch < round(self.epochs * epochs) else whole
