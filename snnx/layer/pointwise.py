"""A linear layer over tokens, as a convolution of one pixel."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Pointwise(nn.Linear):
    """`nn.Linear` on `[n, N, n_in]`, faster in float32 on a CPU.

        y[i, j] = W x[i, j] + b

    Tokens with their channels together are an image `n_in` channels deep whose channels lie together, and torch gives its
    convolutions to another library than its matrix products. Other precisions and devices go torch's way. What it does to a
    training step of Spikformer is in `snnx bench steps`.

    Example:
        >>> layer, x = Pointwise(3, 2), torch.rand(4, 5, 3)
        >>> torch.allclose(layer(x), F.linear(x, layer.weight, layer.bias), atol=1e-6)
        True
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return super().forward(x)
        image = x.unsqueeze(2).permute(0, 3, 1, 2)  # [n, n_in, N, 1], channels last
        y = F.conv2d(image, self.weight[..., None, None], self.bias)
        return y.permute(0, 2, 3, 1).flatten(1, 2)
