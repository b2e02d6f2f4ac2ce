"""A layer without memory, followed by a norm."""

from torch import Tensor, nn

from snnx.norm.foldable import is_foldable


class Normed(nn.Sequential):
    """Applies a layer to every time step, and then a norm to all steps together.

        y = norm(layer(x[t]) for all t)

    Shape:
        `[T, B, *]` to `[T, B, C, *]`.

    Args:
        layer: a convolution, which takes samples without time.
        norm: a norm of `[T, B, C, *]`.
        once: whether an input that is the same at every step is computed once, as in `EachStep`. A batch norm then sees one
            copy in place of T: mean and variance are the same, and the running variance, which is unbiased, differs by less
            than one part in B*H*W. A norm that may treat the steps differently still sees all of them.

    Example:
        >>> import torch
        >>> from snnx.norm.batch import Batch
        >>> layer = Normed(nn.Conv2d(1, 4, 3), Batch(4), once=True)
        >>> image = torch.rand(2, 1, 8, 8)
        >>> y = layer(image.expand(5, 2, 1, 8, 8))
        >>> y.shape, y.stride(0), list(layer.state_dict())[:3]
        (torch.Size([5, 2, 4, 6, 6]), 0, ['0.weight', '0.bias', '1.weight'])
    """

    def __init__(self, layer: nn.Module, norm: nn.Module, *, once: bool = False) -> None:
        super().__init__(layer, norm)
        self.once = once

    def forward(self, x: Tensor) -> Tensor:
        layer, norm = self
        steps = len(x)
        if self.once and x.stride(0) == 0:
            x = x[:1]
        y = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        if is_foldable(norm):
            y = norm(y)
            return y if len(y) == steps else y.expand(steps, *y.shape[1:])
        return norm(y.expand(steps, *y.shape[1:]))
