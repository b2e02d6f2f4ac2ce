"""The base class of every encoding; only encodings move time to the front."""

from typing import ClassVar

from torch import Tensor, nn


class Encoding(nn.Module):
    """Turns a batch of images into the `timesteps` steps of input of a spiking network.

    To define a new encoding, write a subclass with a method `forward`.

    Shape:
        `[B, C, H, W]` to `[T, B, C', H, W]`, with C' = `out_channels` and the same dtype.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images, from the data set.

    Attributes:
        out_channels: number of channels C' of the output; C unless a subclass sets another.
        sample_dims: number of dimensions of one sample: 3 for an image, 4 for event frames.

    Raises:
        ValueError: `timesteps` is below 1.

    Example:
        >>> import torch
        >>> class Inverted(Encoding):                               # X[t] = 1 - x
        ...     def forward(self, x):
        ...         self.require_range(x)
        ...         return (1 - x).expand(self.timesteps, *x.shape)
        >>> Inverted(timesteps=2, in_channels=1)(torch.full((1, 1, 1, 1), 0.25)).flatten().tolist()
        [0.75, 0.75]
    """

    sample_dims: ClassVar[int] = 3

    def __init__(self, *, timesteps: int, in_channels: int) -> None:
        super().__init__()
        if timesteps < 1:
            raise ValueError(f"{type(self).__name__}: timesteps must be at least 1; got {timesteps}")
        self.timesteps = timesteps
        self.in_channels = in_channels
        self.out_channels = in_channels
        self._range_seen: set[bool] = set()  # modes, training or not, whose first batch was checked

    def begin_evaluation(self) -> None:
        """Start an evaluation: random numbers start from the same seed again, so that an evaluation can be repeated."""
        self._range_seen.discard(False)

    def next_places(self, places: Tensor) -> None:
        """Say which samples of the evaluation the next batch has, for an encoding that draws random numbers by sample.

        If this is not called, samples are numbered in the order of the batches. A batch begins after `reset_net`; until the
        next reset, further calls encode the same samples for later steps.

        Args:
            places: `[B]`, the places of the samples in the evaluation, from 0.
        """

    def require_range(self, x: Tensor, low: float = 0.0, high: float = 1.0) -> None:
        """Reject values outside `[low, high]`, where an encoding would saturate without an error.

        Only the first batch in training and the first batch of each evaluation are checked, since each check makes a GPU wait.

        Raises:
            ValueError: a value is outside the range or not a number.
        """
        if x.is_meta or self.training in self._range_seen:  # a meta tensor has no values; builds are checked with one
            return
        lowest, highest = x.min().item(), x.max().item()
        if not (low <= lowest and highest <= high):
            raise ValueError(
                f"{type(self).__name__}: x must be in [{low:g}, {high:g}]; got {lowest:g} to {highest:g}; "
                "set dataset.normalize=false"
            )
        self._range_seen.add(self.training)

    def extra_repr(self) -> str:
        return f"timesteps={self.timesteps}"
