"""What every encoding shares: time moves to the front here, and nowhere else."""

from typing import ClassVar

from torch import Tensor, nn


class Encoding(nn.Module):
    """Turns a batch of images into `timesteps` steps of input for a spiking network.

    Shape:
        `[B, C, H, W] -> [T, B, C', H, W]`, with C' = `out_channels`; the dtype is kept.

    Args:
        timesteps: T, at least 1.
        in_channels: C, known from the data set.

    Attributes:
        out_channels: C', what the backbone will see; C unless a subclass says otherwise.
        sample_dims: of one sample that it takes: 3 of an image, 4 of event frames.

    Raises:
        ValueError: `timesteps` is below 1.
    """

    sample_dims: ClassVar[int] = 3

    def __init__(self, *, timesteps: int, in_channels: int) -> None:
        super().__init__()
        if timesteps < 1:
            raise ValueError(f"Encoding: timesteps must be at least 1; got {timesteps}")
        self.timesteps = timesteps
        self.in_channels = in_channels
        self.out_channels = in_channels
        self._range_seen: set[bool] = set()  # the modes, training or not, whose first batch was looked at

    def begin_evaluation(self) -> None:
        """Start a pass over held-out data; whatever is random starts over, so that the pass can be repeated."""
        self._range_seen.discard(False)

    def require_range(self, x: Tensor, low: float = 0.0, high: float = 1.0) -> None:
        """Refuse values outside `[low, high]`: such pixels would saturate without a word.

        Only the first batch in training and the first of each evaluation is looked at: looking makes a GPU wait.

        Raises:
            ValueError: a value lies outside, or is not a number.
        """
        if self.training in self._range_seen:
            return
        lowest, highest = x.min().item(), x.max().item()
        if not (low <= lowest and highest <= high):
            raise ValueError(
                f"{type(self).__name__}: x must lie in [{low:g}, {high:g}]; got {lowest:g} to {highest:g}; "
                "set dataset.normalize=false"
            )
        self._range_seen.add(self.training)

    def extra_repr(self) -> str:
        return f"timesteps={self.timesteps}"
