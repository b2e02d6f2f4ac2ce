"""Layers without memory, applied to every time step."""

from torch import Tensor, nn


class EachStep(nn.Sequential):
    """Applies its layers to every time step; if the input is the same at every step, it computes only one.

        y[t] = layers(x[t])

    An input that was expanded over time (stride 0, as `encoding=repeat` returns it) gives an expanded output, and backward sums
    the gradient over time before it passes the layers. The numbers are the same for a T-th of the work. This is true for layers
    that treat each sample independently, such as convolutions, linear layers and poolings. It is not true for a norm with
    batch statistics, which would see fewer samples.

    Shape:
        `[T, B, *]` to `[T, B, *]`. The arguments are those of `nn.Sequential`.

    Example:
        >>> import torch
        >>> layer = EachStep(nn.Linear(3, 2))
        >>> image = torch.rand(4, 3)
        >>> y = layer(image.expand(8, 4, 3))
        >>> y.shape, y.stride(0)
        (torch.Size([8, 4, 2]), 0)
    """

    def forward(self, x: Tensor) -> Tensor:
        different = x[:1] if x.stride(0) == 0 else x
        y = super().forward(different.flatten(0, 1)).unflatten(0, different.shape[:2])
        return y.expand(x.shape[0], *y.shape[1:])
