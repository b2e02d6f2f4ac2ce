"""Spiking self-attention, which multiplies spikes and has no softmax."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from snnx.attention.attention import MakesDenoiser, MakesTemporal
from snnx.layer.token_linear import TokenLinear
from snnx.neuron.spiking import is_spiking
from snnx.neuron.with_threshold import with_threshold
from snnx.norm.batch import Batch
from snnx.norm.norm import MakesNorm, threshold_of


class SelfAttention(nn.Module):
    """Multi-head attention with binary queries, keys and values, computed for each time step and sample.

        q, k, v = sn(bn(fc(f(x))))                              spikes, [T, B, h, N, d]
        A       = q k^T                                         integers 0..d, [T, B, h, N, N]
        y       = sn_attention(scale * denoise(A) v)
        out     = sn(bn(fc(f(y))))

    `f` filters over time steps and `denoise` maps scores to scores. By default both are the identity, which gives Spikformer's
    attention. If nothing reads the scores, the product is computed as `q (k^T v)` where that takes fewer multiplications. Both
    orders give the same result, because all sums are small integers: float32 holds them exactly, bfloat16 up to 256, which
    a sum over more than 256 tokens can exceed.

    Shape:
        `[T, B, N, D]` to spikes of the same shape.

    Args:
        dim: number of channels D, a multiple of `heads`.
        heads: number of heads h; each is `d = D/h` wide.
        neuron: makes one neuron layer for input `[T, B, *]`.
        qkv_bias: whether the linear layers of q, k and v have a bias; the output projection always has one.
        scale: factor applied to the product before it enters the neuron.
        v_threshold: threshold of the neuron after the product, > 0; it replaces the one that `neuron` sets.
        temporal: makes a filter over time, see `MakesTemporal`; q, k and v share one, and the output projection has its own.
        denoiser: makes a module that maps scores to scores, see `MakesDenoiser`.
        norm: makes the norm after each linear layer; see `MakesNorm`.

    Raises:
        ValueError: `heads` does not divide `dim`, `v_threshold` is not positive, the neurons spike but have no threshold that
            can be set, or there is a denoiser and the neurons do not spike, or q, k or v are not binary.

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
        temporal: MakesTemporal | None = None,
        denoiser: MakesDenoiser | None = None,
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
        if denoiser is not None and not is_spiking(q_sn):
            raise ValueError(
                "SelfAttention: neuron must fire spikes, because the denoiser's table has integer scores only; "
                f"got {type(q_sn).__name__}; use a spiking neuron and method=direct, or leave out attention=nsad"
            )
        self.q, self.k, self.v = (
            TokenLinear(dim, dim, bias=qkv_bias, norm=norm, v_threshold=threshold_of(sn)) for sn in (q_sn, k_sn, v_sn)
        )
        self.q_sn, self.k_sn, self.v_sn = q_sn, k_sn, v_sn
        self.denoiser = None if denoiser is None else denoiser(heads, dim // heads)
        self.attention_sn = with_threshold(neuron, float(v_threshold), name="backbone.v_threshold")
        if threshold_of(self.attention_sn) is None and is_spiking(self.attention_sn):
            raise ValueError(
                f"SelfAttention: neuron must have a threshold, which the layer after the attention sets to {v_threshold:g}; "
                f"got {type(self.attention_sn).__name__}, which has no v_threshold; choose another neuron or backbone"
            )
        self.proj_temporal = nn.Identity() if temporal is None else temporal()
        proj_sn = neuron()
        self.proj = TokenLinear(dim, dim, norm=norm, v_threshold=threshold_of(proj_sn))
        self.proj_sn = proj_sn
        self._checked: set[bool] = set()
        self.probe: Callable[[Tensor, Tensor], None] | None = None
        """Called in each forward with the scores before and after the denoiser, both `[T, B, h, N, N]` and detached."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.temporal(x)
        spikes = {"q": self.q_sn(self.q(x)), "k": self.k_sn(self.k(x)), "v": self.v_sn(self.v(x))}
        check = x.device.type == "cpu" or (self.training not in self._checked and not x.is_meta)
        if self.denoiser is not None and check and not torch.compiler.is_compiling():
            _require_binary(spikes)
            self._checked.add(self.training)  # a GPU waits for each check, so it is made once in training and once in a test
        y = self._attend(*(self._by_head(s) for s in spikes.values()), steps=len(x)).transpose(1, 2).reshape(x.shape)
        y = self.attention_sn(y * self.scale)
        return self.proj_sn(self.proj(self.proj_temporal(y)))

    def _by_head(self, spikes: Tensor) -> Tensor:
        """Reshape `[T, B, N, D]` to `[T*B, h, N, d]`."""
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
    """Compute `q k^T v` in the order that takes fewer multiplications: `2 N d d` for `q (k^T v)`, `2 N N d` for `(q k^T) v`.

    Time of forward and backward in ms, minimum of 60 on one thread of an AMD EPYC (Zen 5, AVX-512 with bfloat16), torch 2.15;
    the machine was shared, and this was measured once, to choose the order::

        q, k, v               this function           (q k^T) v               (q k^T) v with NSAD
        [32, 12, 64, 32]      7.9, bfloat16 2.7       13.0, bfloat16 3.4      20.2, bfloat16 10.5
        [40, 16, 64, 16]      3.5, bfloat16 2.4       13.5, bfloat16 5.4      23.9, bfloat16 29.8

    Shape:
        q, k and v `[*, N, d]` to the same.

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
                f"SelfAttention: {name} must be 0 or 1 because the denoiser's table has integer scores only; "
                f"got values from {low:.4g} to {high:.4g}; use a spiking neuron, or leave out attention=nsad"
            )
