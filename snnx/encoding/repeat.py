"""Direct coding without weights: the image itself is the input at every step."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class Repeat(Encoding):
    """Presents the image unchanged at each of the T steps; the network's first neurons make the spikes.

        X[t] = x

    Images may have any real values, so they may be normalised. The output is a view and takes the memory of one image.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.

    Raises:
        ValueError: `timesteps` is below 1.

    Source:
        Rueckauer et al. 2017 (constant analogue input); Rathi and Roy 2020 (direct coding).

    Example:
        >>> import torch
        >>> Repeat(timesteps=3, in_channels=1)(torch.full((1, 1, 1, 1), 0.7)).flatten().tolist()
        [0.699..., 0.699..., 0.699...]
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.expand(self.timesteps, *x.shape)
