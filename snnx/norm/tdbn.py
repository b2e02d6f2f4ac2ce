"""Batch norm whose output is scaled to the threshold of the neurons that read it."""

from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from snnx.norm.batch import Batch


class TDBN(Batch):
    """Threshold-dependent batch norm: batch norm over time and samples together, scaled to the threshold of the next neurons.

        y = gamma * scale * (x - mean) / sqrt(var + eps) + beta         mean and var over T, B and *
        scale = alpha * v_threshold                 or alpha * v_threshold / sqrt(2) where the output meets a sum

    Training starts with `gamma = 1` and `beta = 0`. The scale stays outside of `gamma`, as in the authors' code. SpikingJelly's
    layer puts it into the first `gamma`: the function is the same at the start, but an optimizer such as Adam then changes it
    `1/scale` times as much in a step.

    In a test this is a batch norm with the weight `gamma * scale`, and it is folded as such.

    Shape:
        `[T, B, C, *]` to the same.

    Args:
        channels: number of channels C.
        v_threshold: threshold of the neurons that read the output.
        meets_sum: whether the output is added to another tensor before the neurons, as at the end of a residual block.
        alpha: further factor of the scale, > 0.
        fused: as for `Batch`.

    Raises:
        ValueError: `alpha` is not positive, or the neurons have no threshold.

    Source: Zheng et al., Going Deeper With Directly-Trained Larger Spiking Neural Networks, 2021, and the authors' code,
        thiswinex/STBP-simple, `layers.py`.

    Example:
        >>> import torch
        >>> x = torch.tensor([[[1.0]], [[3.0]]])                # mean 2, variance 1
        >>> TDBN(1, v_threshold=0.5)(x).flatten().round(decimals=3).tolist()
        [-0.5, 0.5]
    """

    def __init__(
        self,
        channels: int,
        *,
        v_threshold: float | None = 1.0,
        meets_sum: bool = False,
        alpha: float = 1.0,
        fused: bool = True,
    ) -> None:
        if not float(alpha) > 0:
            raise ValueError(f"TDBN: alpha must be positive; got {alpha}")
        if v_threshold is None:
            raise ValueError(
                "TDBN: v_threshold must be that of the neurons after the norm; got neurons without one, such as the ReLU of "
                "neuron=relu, method=conversion and method=tandem; choose norm=batch"
            )
        super().__init__(channels, fused=fused)
        register_parametrization(self, "weight", _Scaled(float(alpha) * v_threshold / (2**0.5 if meets_sum else 1.0)))


class _Scaled(nn.Module):
    """Makes the weight of a norm `scale` times its parameter."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, gamma: Tensor) -> Tensor:
        return self.scale * gamma

    def extra_repr(self) -> str:
        return f"scale={self.scale:g}"
