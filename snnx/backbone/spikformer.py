"""Spikformer: convolutions to spiking patches, then encoder blocks of spiking self-attention, as its authors published it."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.layer.each_step import EachStep
from snnx.layer.normed import Normed
from snnx.layer.token_linear import TokenLinear
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of


class Spikformer(nn.Module):
    """Four convolutions to a map of tokens, a position convolution, `depth` blocks, and a read-out that does not fire.

        z      = pool(sn(bn(conv(z))))          four times, doubling the channels up to D; the last `pools` of them pool
        x      = z + sn(bn(conv(z)))            relative positions
        x      = x + attention(x)               `depth` times; see SelfAttention
        x      = x + sn(bn(fc2(sn(bn(fc1(x))))))
        scores = fc(mean of x over tokens)

    Residuals add spikes, so what a block sees are small integers. Pooling comes after the neuron: a maximum of spikes.

        depth-width  heads  pools  qkv_bias  scale   on                parameters
        4-384        12     2      true      0.125   CIFAR-10, -100    9,324,730 and 9,359,380
        2-256        16     4      false     0.25    2x128x128 events  2,566,666 (10 classes)
        2-64         4      2      true      0.125   quick runs        164,050 (CIFAR-10)

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`; inside, tokens `[T, B, N, D]` with `N = H*W / 4^pools`.

    Args:
        neuron: makes one neuron layer over `[T, B, *]`.
        in_shape: `(C, H, W)` as the encoding gives it.
        classes: number of scores.
        width: factor on the number of heads, and so on the embedding; the width of a head stays.
        embed_dim, heads, depth, mlp_ratio: D, a multiple of the heads; blocks; hidden width over D.
        pools: how many of the four convolutions are followed by a pooling of 3x3 with stride 2, 0 to 4.
        qkv_bias, scale, v_threshold: see SelfAttention.
        init_std: of truncated normal weights in the encoder, with zero bias; `None` keeps PyTorch's. The read-out has 0.02.
        norm: makes the norm after each convolution and linear layer; see `MakesNorm`. Residuals add spikes here, so no norm
            meets a sum.
        attention: `temporal` and `denoiser` of SelfAttention, one or both; with TASA and NSAD this is DS2TA.

    Raises:
        ValueError: the heads do not divide the embedding, or it is no multiple of 8 at this width, or `pools` is not in 0..4.

    Source: Zhou et al., ICLR 2023, and its code for CIFAR and CIFAR10-DVS, whose unused tensors (two LayerNorms a block, a
        position table) are left out.

    Example:
        >>> import torch
        >>> net = Spikformer(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10)
        >>> sum(p.numel() for p in net.parameters())
        9324730
        >>> small = Spikformer(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10, embed_dim=64, heads=4, depth=2)
        >>> small(torch.rand(2, 3, 3, 32, 32)).shape, sum(p.numel() for p in small.parameters())
        (torch.Size([2, 3, 10]), 164050)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        embed_dim: int = 384,
        heads: int = 12,
        depth: int = 4,
        mlp_ratio: float = 4.0,
        pools: int = 2,
        qkv_bias: bool = True,
        scale: float = 0.125,
        v_threshold: float = 0.5,
        init_std: float | None = 0.02,
        attention: Mapping[str, Callable[..., nn.Module]] | None = None,
        norm: MakesNorm = Batch,
    ) -> None:
        super().__init__()
        parts = {} if attention is None else dict(attention)
        if unknown := set(parts) - {"temporal", "denoiser"}:
            raise ValueError(f"Spikformer: attention must hold temporal, denoiser or both; got {', '.join(sorted(unknown))}")
        if heads < 1 or embed_dim % heads:
            raise ValueError(f"Spikformer: embed_dim must be a multiple of heads = {heads}; got {embed_dim}")
        head_dim, heads = embed_dim // heads, max(1, round(heads * width))
        dim = heads * head_dim
        if dim % 8:
            raise ValueError(f"Spikformer: the embedding must be a multiple of 8, which the first layer gets; got {dim}")
        if not 0 <= pools <= 4:
            raise ValueError(f"Spikformer: pools must lie in 0..4, the number of convolutions; got {pools}")
        self.stem = nn.Sequential()
        n_in = in_shape[0]
        for stage, n_out in enumerate((dim // 8, dim // 4, dim // 2, dim)):
            sn = neuron()
            self.stem.add_module(f"conv{stage + 1}", _conv(n_in, n_out, norm, sn))
            self.stem.add_module(f"sn{stage + 1}", sn)
            if stage >= 4 - pools:
                self.stem.add_module(f"pool{stage + 1}", EachStep(nn.MaxPool2d(3, stride=2, padding=1)))
            n_in = n_out
        position_sn = neuron()
        self.position = _conv(dim, dim, norm, position_sn)
        self.position_sn = position_sn
        self.encoder = nn.ModuleList()
        for _ in range(depth):
            spiking = SelfAttention(
                dim, heads, neuron, qkv_bias=qkv_bias, scale=scale, v_threshold=v_threshold,
                temporal=parts.get("temporal"), denoiser=parts.get("denoiser"), norm=norm,
            )  # fmt: skip
            self.encoder.append(Block(dim, spiking, mlp_ratio, neuron, norm))
        self.head = nn.Linear(dim, classes)
        for linear in (module for module in self.encoder.modules() if isinstance(module, nn.Linear)):
            _draw(linear, init_std)
        _draw(self.head, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.position_sn(self.position(x))
        x = x.flatten(3).transpose(2, 3).contiguous()
        for block in self.encoder:
            x = block(x)
        return self.head(x.mean(2))


class Block(nn.Module):
    """Attention and a two-layer perceptron, each added to what it sees, `[T, B, N, D]` to the same."""

    def __init__(
        self, dim: int, attention: SelfAttention, mlp_ratio: float, neuron: Callable[[], nn.Module], norm: MakesNorm
    ) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        sn1, sn2 = neuron(), neuron()
        self.attention = attention
        self.fc1 = TokenLinear(dim, hidden, norm=norm, v_threshold=threshold_of(sn1))
        self.sn1 = sn1
        self.fc2 = TokenLinear(hidden, dim, norm=norm, v_threshold=threshold_of(sn2))
        self.sn2 = sn2

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.sn2(self.fc2(self.sn1(self.fc1(x))))


def _conv(n_in: int, n_out: int, norm: MakesNorm, sn: nn.Module) -> Normed:
    """A convolution and its norm, in front of `sn`; both are computed once for an image that is repeated over time."""
    after = norm(n_out, v_threshold=threshold_of(sn), meets_sum=False)
    return Normed(nn.Conv2d(n_in, n_out, 3, padding=1, bias=isinstance(after, NoNorm)), after, once=True)


def _draw(linear: nn.Linear, std: float | None) -> None:
    if std is not None:
        nn.init.trunc_normal_(linear.weight, std=std)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
