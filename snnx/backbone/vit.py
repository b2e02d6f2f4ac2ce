"""The small vision transformer of Direct Training of Spiking Transformers, with a spiking neuron in place of GELU."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import Tensor, nn
from torch.nn import functional as F

from snnx.layer.token_linear import TokenLinear


class ViT(nn.Module):
    """A vision transformer with a class token and learned positions, whose perceptrons and head have spiking neurons.

        tokens = [class; conv(image)] + positions
        y      = x + MHSA(LN(x))                                softmax attention inside each time step
        x      = y + sn2(fc2(sn1(fc1(LN(y)))))                  `depth` times; with `sn2_norm`: sn2(BN(fc2(...)))
        scores = out(sn(fc(LN(x)[class])))

    Only the neurons read time steps as time; all other layers treat them like samples.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`; inside, tokens `[T, B, N, D]` with `N = 1 + (H/patch)*(W/patch)`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`, spiking or not.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on the number of heads, > 0, and so on the embedding; the width of a head stays the same.
        patch: side of a patch in pixels, which divides H and W.
        embed_dim: number of channels D of a token, a multiple of `heads`.
        heads: number of attention heads.
        depth: number of encoder blocks.
        mlp_ratio: hidden width of a block's two-layer perceptron, divided by D. With the defaults the network has 556,682
            parameters for images of 28x28x1.
        init_std: standard deviation of truncated normal weights in the linear layers, whose biases are 0; `None` keeps
            PyTorch's weights, whose variance depends on the fan-in.
        sn2_norm: whether batch norm precedes `sn2`, so that its current has unit variance at the start of training, however few
            neurons fired before it. Every token of every step and sample counts as a sample.

    Raises:
        ValueError: `patch` does not divide the image, or `embed_dim` is not a multiple of `heads`.

    Source: Direct Training of Spiking Transformers, Figure 9. The paper says neither how wide the network is nor where its
        neurons are; it records one tensor `[B, tokens, channels]` per block, which is the output of `sn2`.

    Example:
        >>> net = ViT(neuron=nn.GELU, in_shape=(1, 28, 28), classes=10)
        >>> net(torch.rand(2, 3, 1, 28, 28)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([2, 3, 10]), 556682)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        patch: int = 4,
        embed_dim: int = 128,
        heads: int = 4,
        depth: int = 4,
        mlp_ratio: float = 2.0,
        init_std: float | None = None,
        sn2_norm: bool = False,
    ) -> None:
        super().__init__()
        channels, height, breadth = in_shape
        if patch < 1 or height % patch or breadth % patch:
            raise ValueError(f"ViT: patch must divide the image's {height}x{breadth}; got {patch}")
        if heads < 1 or embed_dim % heads:
            raise ValueError(f"ViT: embed_dim must be a multiple of heads = {heads}; got {embed_dim}")
        head_dim, heads = embed_dim // heads, max(1, round(heads * width))
        dim = heads * head_dim
        tokens = 1 + (height // patch) * (breadth // patch)
        self.patches = SeqToANNContainer(nn.Conv2d(channels, dim, patch, stride=patch))
        self.class_token = nn.Parameter(torch.zeros(dim))
        self.positions = nn.Parameter(torch.zeros(tokens, dim))
        self.encoder = nn.ModuleList(ViTBlock(dim, heads, mlp_ratio, neuron, sn2_norm=sn2_norm) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Sequential()
        self.head.add_module("fc", nn.Linear(dim, dim))
        self.head.add_module("sn", neuron())
        self.head.add_module("out", nn.Linear(dim, classes))
        if init_std is not None:
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    nn.init.trunc_normal_(module.weight, std=init_std)
                    nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.class_token, std=0.02)
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(3).transpose(2, 3)
        x = torch.cat([self.class_token.expand(*x.shape[:2], 1, -1), x], dim=2) + self.positions
        for block in self.encoder:
            x = block(x)
        return self.head(self.norm(x[:, :, 0]))


class ViTBlock(nn.Module):
    """One encoder block, with the norm before attention and perceptron.

    Shape:
        `[T, B, N, D]` to the same.
    """

    def __init__(
        self, dim: int, heads: int, mlp_ratio: float, neuron: Callable[[], nn.Module], *, sn2_norm: bool = False
    ) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.sn1 = neuron()
        self.fc2 = TokenLinear(hidden, dim) if sn2_norm else nn.Linear(hidden, dim)
        self.sn2 = neuron()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.sn2(self.fc2(self.sn1(self.fc1(self.norm2(x)))))


class Attention(nn.Module):
    """Multi-head softmax attention over the tokens of each time step and sample.

    Shape:
        `[T, B, N, D]` to the same.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        time, batch, tokens, dim = x.shape
        q, k, v = self.qkv(x).view(time * batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        y = attend(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(time, batch, tokens, dim))


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Compute `softmax(q k^T / sqrt(d)) v` in the faster of two ways.

    This is torch's fused attention, except in bfloat16 on a CPU, where for small heads the plain products are about seven times
    faster. Time of forward and backward in ms, fused and plain, on one thread of an AMD EPYC (Zen 5, AVX-512 with bfloat16),
    torch 2.15; medians on a shared machine, measured once to choose (`snnx bench steps` measures the whole network)::

        [640, 4, 50, 32]    float32 86, 93     bfloat16 326, 49     float16 336, 476
        [80, 4, 50, 32]     float32 11, 11     bfloat16  40,  6     float16  42,  59

    Shape:
        q, k and v `[*, heads, N, d]` to the same.
    """
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1) @ v
    return F.scaled_dot_product_attention(q, k, v)
