"""Layers without memory, applied to every time step."""

from torch import Tensor, nn


class EachStep(nn.Sequential):
    """Applies its layers to every step alike; an input that is the same at every step is computed once.

        y[t] = layers(x[t])

    An expanded input (stride 0 over time, as `encoding=repeat` gives it) becomes an expanded output, and the gradient is summed
    over time before it goes through the layers: the same numbers for a T-th of the work. That holds for layers that treat
    samples apart, convolutions, linear layers and poolings; the batch statistics of a norm would count fewer samples.

    Shape:
        `[T, B, *]` to `[T, B, *]`.

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
