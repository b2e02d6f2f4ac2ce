"""SpikingJelly's Spikformer, for comparison with the network that the authors published."""

from collections.abc import Callable

from spikingjelly.activation_based.model.spikformer import Spikformer
from spikingjelly.activation_based.neuron import BaseNode
from torch import Tensor, nn


class SpikformerSpikingJelly(nn.Module):
    """SpikingJelly's own network, which differs from `snnx.backbone.spikformer` in these points:

        stem        conv, norm, pooling, neuron, so that it pools currents, not spikes
        layers      no biases except in the last layer; q, k and v come from one layer and one neuron
        attention   always (v k^T) q, which computes no scores, so it works with neither TASA nor NSAD; the scale is 0.125
        weights     truncated normal with 0.02 in the convolutions, too

    The neuron after the attention product gets the threshold 0.5, which SpikingJelly sets for its default neuron only.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on the number of heads, > 0, and so on the embedding; the width of a head stays the same.
        patch: side of a token in pixels, 4 (two poolings) or 16 (four poolings).
        embed_dim, heads, depth, mlp_ratio: see `Spikformer`.

    Raises:
        ValueError: `embed_dim` is not a multiple of `heads`, or `patch` is neither 4 nor 16.

    Source: SpikingJelly 2, `activation_based.model.spikformer`.

    Example:
        >>> import torch
        >>> net = SpikformerSpikingJelly(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10)
        >>> net(torch.rand(2, 3, 3, 32, 32)).shape, sum(p.numel() for p in net.parameters())     # ours: 9,324,730
        (torch.Size([2, 3, 10]), 9310906)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        patch: int = 4,
        embed_dim: int = 384,
        heads: int = 12,
        depth: int = 4,
        mlp_ratio: float = 4.0,
    ) -> None:
        super().__init__()
        if heads < 1 or embed_dim % heads:
            raise ValueError(f"SpikformerSpikingJelly: embed_dim must be a multiple of heads = {heads}; got {embed_dim}")
        if patch not in (4, 16):
            raise ValueError(f"SpikformerSpikingJelly: patch must be 4 or 16; got {patch}")
        channels, height, breadth = in_shape
        head_dim, heads = embed_dim // heads, max(1, round(heads * width))
        self.network = Spikformer(
            in_channels=channels, img_size_h=height, img_size_w=breadth, patch_size=patch, num_classes=classes,
            embed_dims=heads * head_dim, num_heads=heads, mlp_ratio=mlp_ratio, depths=depth,
            spiking_neuron=lambda step_mode: neuron(),  # our neurons always run in multi-step mode
        )  # fmt: skip
        for name, module in self.network.named_modules():
            if name.endswith("attn_lif") and isinstance(module, BaseNode):
                module.v_threshold = 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)
