"""A linear layer and a norm over tokens."""

from torch import Tensor, nn

from snnx.layer.pointwise import Pointwise
from snnx.norm.batch import Batch
from snnx.norm.norm import MakesNorm


class TokenLinear(nn.Module):
    """Applies a linear layer and a norm to each token, `y = bn(fc(x))`; the norm's statistics count every token as a sample.

    Shape:
        `[T, B, N, n_in]` to `[T, B, N, n_out]`.

    Args:
        n_in, n_out: number of input and output channels.
        bias: whether the linear layer has a bias; a batch norm makes it redundant, but some authors keep it.
        norm: makes the norm; see `MakesNorm`.
        v_threshold: threshold of the neuron that reads the output; `None` if it has none.

    Example:
        >>> import torch
        >>> layer = TokenLinear(3, 2)
        >>> layer(torch.rand(4, 5, 6, 3)).shape, sum(p.numel() for p in layer.parameters())
        (torch.Size([4, 5, 6, 2]), 12)
    """

    def __init__(
        self, n_in: int, n_out: int, *, bias: bool = True, norm: MakesNorm = Batch, v_threshold: float | None = 1.0
    ) -> None:
        super().__init__()
        self.fc = Pointwise(n_in, n_out, bias=bias)
        self.bn = norm(n_out, v_threshold=v_threshold, meets_sum=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.bn(y.flatten(1, 2)).unflatten(1, x.shape[1:3])
