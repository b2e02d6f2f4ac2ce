"""A linear layer over tokens, computed as a convolution with a kernel of one pixel."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Pointwise(nn.Linear):
    """`nn.Linear` for tokens `[n, N, n_in]`, faster in float32 on a CPU.

        y[i, j] = W x[i, j] + b

    The tokens are viewed as an image with `n_in` channels in channels-last layout. Torch computes convolutions by a different
    library than matrix products, and here that library is faster. Other precisions and devices use `nn.Linear`. `snnx bench
    steps` shows the effect on a training step of Spikformer.

    Shape:
        `[n, N, n_in]` to `[n, N, n_out]`.

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
