"""The small vision transformer of Direct Training of Spiking Transformers: GELU replaced by a spiking neuron."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import Tensor, nn
from torch.nn import functional as F


class ViT(nn.Module):
    """Patches, class token, learned positions, encoder blocks, spiking head; time is a batch axis to all but the neurons.

        tokens = [class; conv(image)] + positions
        y      = x + MHSA(LN(x))                                softmax attention inside each time step
        x      = y + sn2(fc2(sn1(fc1(LN(y)))))                  `depth` times
        scores = out(sn(fc(LN(x)[class])))

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`; inside, tokens `[T, B, N, D]` with `N = 1 + (H/patch)*(W/patch)`.

    Args:
        neuron: makes one spiking (or other) neuron layer over `[T, B, *]`.
        in_shape: `(C, H, W)` as the encoding gives it.
        classes: number of scores.
        width: factor on the number of heads, and so on the embedding; the width of a head stays.
        patch, embed_dim, heads, depth, mlp_ratio: as in any ViT; the defaults have 556,682 parameters at 28x28x1.
        init_std: of truncated normal weights in the linear layers, with zero bias; `None` keeps PyTorch's own initialisation,
            whose variance follows the fan-in.

    Raises:
        ValueError: the patch does not divide the image, or the heads do not divide the embedding.

    Source: Direct Training of Spiking Transformers, Figure 9. The paper is silent on the widths and on where the neurons
        sit; it records one tensor `[B, tokens, channels]` a block, which is `sn2`.

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
    ) -> None:
        super().__init__()
        channels, height, breadth = in_shape
        if patch < 1 or height % patch or breadth % patch:
            raise ValueError(f"ViT: patch must divide the image of {height}x{breadth}; got {patch}")
        if heads < 1 or embed_dim % heads:
            raise ValueError(f"ViT: embed_dim must be a multiple of heads = {heads}; got {embed_dim}")
        head_dim, heads = embed_dim // heads, max(1, round(heads * width))
        dim = heads * head_dim
        tokens = 1 + (height // patch) * (breadth // patch)
        self.patches = SeqToANNContainer(nn.Conv2d(channels, dim, patch, stride=patch))
        self.class_token = nn.Parameter(torch.zeros(dim))
        self.positions = nn.Parameter(torch.zeros(tokens, dim))
        self.encoder = nn.ModuleList(Block(dim, heads, mlp_ratio, neuron) for _ in range(depth))
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


class Block(nn.Module):
    """One pre-norm encoder block, `[T, B, N, D]` to the same."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, neuron: Callable[[], nn.Module]) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.sn1 = neuron()
        self.fc2 = nn.Linear(hidden, dim)
        self.sn2 = neuron()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.sn2(self.fc2(self.sn1(self.fc1(self.norm2(x)))))


class Attention(nn.Module):
    """Multi-head softmax attention over the tokens of each time step and sample, `[T, B, N, D]` to the same."""

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
    """`softmax(q k^T / sqrt(d)) v` for `[*, heads, N, d]`, in the way that is faster.

    torch's fused attention, except for bfloat16 on a CPU, where it is about seven times slower than plain products on small
    heads. Forward + backward, ms, one thread of an AMD EPYC (Zen 5, AVX-512 with bfloat16), torch 2.15, medians on a shared
    machine, fused against plain, measured once to choose (`snnx bench steps` measures the whole network)::

        [640, 4, 50, 32]    float32 86, 93     bfloat16 326, 49     float16 336, 476
        [80, 4, 50, 32]     float32 11, 11     bfloat16  40,  6     float16  42,  59
    """
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1) @ v
    return F.scaled_dot_product_attention(q, k, v)
