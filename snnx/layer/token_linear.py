"""A linear layer and a batch norm over tokens."""

from torch import Tensor, nn

from snnx.layer.pointwise import Pointwise


class TokenLinear(nn.Module):
    """`bn(fc(x))` of each token, with the norm's statistics over time, batch and tokens together.

    Shape:
        `[T, B, N, n_in]` to `[T, B, N, n_out]`.

    Args:
        n_in, n_out: channels.
        bias: of the linear layer, which a batch norm makes redundant; some authors keep it.

    Example:
        >>> import torch
        >>> layer = TokenLinear(3, 2)
        >>> layer(torch.rand(4, 5, 6, 3)).shape, sum(p.numel() for p in layer.parameters())
        (torch.Size([4, 5, 6, 2]), 12)
    """

    def __init__(self, n_in: int, n_out: int, *, bias: bool = True) -> None:
        super().__init__()
        self.fc = Pointwise(n_in, n_out, bias=bias)
        self.bn = nn.BatchNorm1d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.fc(x.flatten(0, 1)).flatten(0, 1)).unflatten(0, x.shape[:3])
