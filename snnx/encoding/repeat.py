"""Direct coding without weights: the image itself at every step."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class Repeat(Encoding):
    """The float image, presented unchanged at each of T steps; the first layer of the network makes the spikes.

        X[t] = x

    Takes any real values, so normalised images too. The result is a view: T steps cost the memory of one.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`.

    Args:
        timesteps: T, at least 1.
        in_channels: C.

    Source:
        Rueckauer et al. 2017 (constant analogue input); Rathi and Roy 2020 (direct coding).

    Example:
        >>> import torch
        >>> Repeat(timesteps=3, in_channels=1)(torch.full((1, 1, 1, 1), 0.7)).flatten().tolist()
        [0.699..., 0.699..., 0.699...]
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.expand(self.timesteps, *x.shape)
