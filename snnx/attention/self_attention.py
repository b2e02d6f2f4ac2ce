"""Spiking self-attention: products of spikes, without softmax."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.neuron import BaseNode
from torch import Tensor, nn

from snnx.layer.token_linear import TokenLinear
from snnx.norm.batch import Batch
from snnx.norm.norm import MakesNorm, threshold_of


class SelfAttention(nn.Module):
    """Multi-head attention of binary queries, keys and values over the tokens of each time step and sample.

        q, k, v = sn(bn(fc(f(x))))                              spikes, [T, B, h, N, d]
        A       = q k^T                                         integers 0..d, [T, B, h, N, N]
        y       = sn_attention(scale * denoise(A) v)
        out     = sn(bn(fc(f(y))))

    `f` mixes time steps and `denoise` maps scores to scores; without them both are the identity, and this is Spikformer.
    Where nothing needs the scores, `q (k^T v)` is taken if it is the cheaper order: all sums are of small
    integers, and exact in float32; in bfloat16 up to 256, which more tokens than that can exceed.

    Shape:
        `[T, B, N, D]` to spikes of the same shape.

    Args:
        dim: D, a multiple of `heads`.
        heads: h; a head is `d = D/h` wide.
        neuron: makes one neuron layer over `[T, B, *]`.
        qkv_bias: of the linear layers of q, k and v; the output projection always has one.
        scale: of the product before it drives the neuron.
        v_threshold: of the neuron behind the product, whatever the others have.
        temporal: makes a filter over time of `[T, B, N, D]`; one is shared by q, k and v, another is before the projection.
        denoiser: from heads and head dimension to a map of scores.
        norm: makes the norm after each linear layer; see `MakesNorm`.

    Raises:
        ValueError: the heads do not divide the width, the threshold is not positive, or a denoiser gets what is not binary.

    Source: Zhou et al., Spikformer, ICLR 2023, and its code; DS2TA for the filter and the denoiser.

    Example:
        >>> layer = SelfAttention(8, 2, nn.ReLU)
        >>> layer(torch.rand(4, 3, 5, 8)).shape, sum(p.numel() for p in layer.parameters())     # 4 * (8*8 + 8 + 2*8)
        (torch.Size([4, 3, 5, 8]), 352)
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        neuron: Callable[[], nn.Module],
        *,
        qkv_bias: bool = True,
        scale: float = 0.125,
        v_threshold: float = 0.5,
        temporal: Callable[[], nn.Module] | None = None,
        denoiser: Callable[[int, int], nn.Module] | None = None,
        norm: MakesNorm = Batch,
    ) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"SelfAttention: heads must divide the width of {dim}; got {heads}")
        if not v_threshold > 0:
            raise ValueError(f"SelfAttention: v_threshold must be positive; got {v_threshold}")
        self.width = dim
        self.heads = heads
        self.scale = scale
        self.temporal = nn.Identity() if temporal is None else temporal()
        q_sn, k_sn, v_sn = neuron(), neuron(), neuron()
        self.q, self.k, self.v = (
            TokenLinear(dim, dim, bias=qkv_bias, norm=norm, v_threshold=threshold_of(sn)) for sn in (q_sn, k_sn, v_sn)
        )
        self.q_sn, self.k_sn, self.v_sn = q_sn, k_sn, v_sn
        self.denoiser = None if denoiser is None else denoiser(heads, dim // heads)
        self.attention_sn = neuron()
        if isinstance(self.attention_sn, BaseNode):
            self.attention_sn.v_threshold = float(v_threshold)
        self.proj_temporal = nn.Identity() if temporal is None else temporal()
        proj_sn = neuron()
        self.proj = TokenLinear(dim, dim, norm=norm, v_threshold=threshold_of(proj_sn))
        self.proj_sn = proj_sn
        self.probe: Callable[[Tensor, Tensor], None] | None = None
        """Called with the scores before and after the denoiser, `[T, B, h, N, N]` and detached, after each forward."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.temporal(x)
        spikes = {"q": self.q_sn(self.q(x)), "k": self.k_sn(self.k(x)), "v": self.v_sn(self.v(x))}
        if self.denoiser is not None:
            _require_binary(spikes)
        y = self._attend(*(self._by_head(s) for s in spikes.values()), steps=len(x)).transpose(1, 2).reshape(x.shape)
        y = self.attention_sn(y * self.scale)
        return self.proj_sn(self.proj(self.proj_temporal(y)))

    def _by_head(self, spikes: Tensor) -> Tensor:
        """`[T, B, N, D]` as `[T*B, h, N, d]`."""
        return spikes.flatten(0, 1).unflatten(2, (self.heads, -1)).transpose(1, 2)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, steps: int) -> Tensor:
        if self.denoiser is None and self.probe is None:
            return attend(q, k, v)
        scores = q @ k.transpose(-2, -1)
        denoised = scores if self.denoiser is None else self.denoiser(scores)
        if self.probe is not None:
            self.probe(*(values.detach().unflatten(0, (steps, -1)) for values in (scores, denoised)))
        return denoised @ v


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`q k^T v` of `[*, N, d]`, in the order that takes fewer multiplications: `2 N d d` against `2 N N d`.

    Forward + backward, ms, one thread of an AMD EPYC (Zen 5, AVX-512 with bfloat16), torch 2.15, the least of 60 on a
    shared machine, measured once to choose: this, through the scores, and through the scores and NSAD::

        [32, 12, 64, 32]    float32 7.9, 13.0, 20.2     bfloat16 2.7, 3.4, 10.5
        [40, 16, 64, 16]    float32 3.5, 13.5, 23.9     bfloat16 2.4, 5.4, 29.8

    Example:
        >>> q, k, v = torch.randint(2, (3, 64, 8)).float().split(1)
        >>> torch.equal(attend(q, k, v), q @ k.transpose(-2, -1) @ v)
        True
    """
    tokens, width = q.shape[-2:]
    if width <= tokens:
        return q @ (k.transpose(-2, -1) @ v)
    return (q @ k.transpose(-2, -1)) @ v


def _require_binary(spikes: dict[str, Tensor]) -> None:
    for name, values in spikes.items():
        if not torch.equal(values * values, values):
            low, high = values.aminmax()
            raise ValueError(
                f"SelfAttention: {name} must be 0 or 1 for the denoiser, whose table is of integers; "
                f"got values from {low:.4g} to {high:.4g}; use a spiking neuron, or attention without nsad"
            )
