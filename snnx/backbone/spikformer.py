"""Spikformer: convolutions turn the image into spiking tokens, and encoder blocks apply spiking self-attention."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from snnx.attention.attention import MakesDenoiser, MakesTemporal
from snnx.attention.self_attention import SelfAttention
from snnx.layer.each_step import EachStep
from snnx.layer.normed import Normed
from snnx.layer.token_linear import TokenLinear
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of


class Spikformer(nn.Module):
    """Four convolutions that make tokens, a convolution for positions, `depth` encoder blocks, and a linear layer.

        z      = pool(sn(bn(conv(z))))          four times, doubling the channels up to D; only the last `pools` of them pool
        x      = z + sn(bn(conv(z)))            relative positions
        x      = x + attention(x)               `depth` times; see SelfAttention
        x      = x + sn(bn(fc2(sn(bn(fc1(x))))))
        scores = fc(mean of x over tokens)

    Residuals are sums of spikes, so the input of a block consists of small integers. Pooling follows the neuron, so it takes
    the maximum of spikes.

        depth-width  heads  pools  qkv_bias  scale   data              parameters
        4-384        12     2      true      0.125   CIFAR-10, -100    9,324,730 and 9,359,380
        2-256        16     4      false     0.25    2x128x128 events  2,566,666 (10 classes)
        2-64         4      2      true      0.125   quick runs        164,050 (CIFAR-10)

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`; inside, tokens `[T, B, N, D]` with `N = H*W / 4^pools`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on the number of heads, > 0, and so on the embedding; the width of a head stays the same.
        embed_dim: number of channels D of a token, a multiple of `heads`.
        heads: number of attention heads.
        depth: number of encoder blocks.
        mlp_ratio: hidden width of a block's two-layer perceptron, divided by D.
        pools: how many of the four convolutions are followed by 3x3 max pooling with stride 2, in 0..4.
        qkv_bias, scale, v_threshold: see SelfAttention.
        init_std: standard deviation of the truncated normal weights of the encoder's linear layers, whose biases are 0; `None`
            keeps PyTorch's weights. The last layer always has 0.02.
        norm: makes the norm after each convolution and linear layer; see `MakesNorm`. Here residuals add spikes, so no norm is
            built with `meets_sum`.
        attention: `temporal` and `denoiser` of SelfAttention, one or both; with TASA and NSAD the network is DS2TA.

    Raises:
        ValueError: `embed_dim` is not a multiple of `heads`, D at this width is not a multiple of 8, `pools` is not in 0..4, or
            `attention` has an unknown key.

    Source: Zhou et al., ICLR 2023, and its code for CIFAR and CIFAR10-DVS. Parameters that this code defines without using (two
        LayerNorms per block, a table of positions) are left out.

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
        attention: Mapping[str, MakesTemporal | MakesDenoiser] | None = None,
        norm: MakesNorm = Batch,
    ) -> None:
        super().__init__()
        parts = {} if attention is None else dict(attention)
        if unknown := set(parts) - {"temporal", "denoiser"}:
            raise ValueError(f"Spikformer: attention must contain temporal, denoiser or both; got {', '.join(sorted(unknown))}")
        if heads < 1 or embed_dim % heads:
            raise ValueError(f"Spikformer: embed_dim must be a multiple of heads = {heads}; got {embed_dim}")
        head_dim, heads = embed_dim // heads, max(1, round(heads * width))
        dim = heads * head_dim
        if dim % 8:
            raise ValueError(
                f"Spikformer: embed_dim must be a multiple of 8 at this width, as the stem starts with D/8; got {dim}"
            )
        if not 0 <= pools <= 4:
            raise ValueError(f"Spikformer: pools must be between 0 and 4, the number of convolutions; got {pools}")
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
            self.encoder.append(SpikformerBlock(dim, spiking, mlp_ratio, neuron, norm))
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


class SpikformerBlock(nn.Module):
    """Attention and a two-layer perceptron, each added to its input.

    Shape:
        `[T, B, N, D]` to the same.
    """

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
    """Make a convolution and the norm before the neuron `sn`; both compute a repeated image only once."""
    after = norm(n_out, v_threshold=threshold_of(sn), meets_sum=False)
    return Normed(nn.Conv2d(n_in, n_out, 3, padding=1, bias=isinstance(after, NoNorm)), after, once=True)


def _draw(linear: nn.Linear, std: float | None) -> None:
    if std is not None:
        nn.init.trunc_normal_(linear.weight, std=std)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
