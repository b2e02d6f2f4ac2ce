"""Three published norms, each written as one class as a user would, to show that the group `norm` supports them."""

import torch
from torch import Tensor, nn

from snnx.norm.batch import Batch
from snnx.norm.norm import Norm


class TDBN(Batch):
    """tdBN (Zheng et al., 2021): the gain starts at `alpha * v_threshold`, divided by sqrt(2) if its output enters a sum."""

    def __init__(self, channels: int, *, v_threshold: float, meets_sum: bool, alpha: float = 1.0) -> None:
        super().__init__(channels)
        nn.init.constant_(self.weight, alpha * v_threshold / (2**0.5 if meets_sum else 1))


class TEBN(Norm):
    """TEBN (Duan et al., 2022): batch norm over all time steps, and a learned factor for each step."""

    def __init__(self, channels: int, *, v_threshold: float, meets_sum: bool, timesteps: int) -> None:
        super().__init__()
        self.norm = Batch(channels)
        self.factor = nn.Parameter(torch.ones(timesteps))

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) * self.factor.view(-1, *[1] * (x.ndim - 1))


class BNTT(Norm):
    """BNTT (Kim and Panda, 2021): a separate batch norm for each time step."""

    def __init__(self, channels: int, *, v_threshold: float, meets_sum: bool, timesteps: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Batch(channels) for _ in range(timesteps))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([norm(x[t : t + 1]) for t, norm in enumerate(self.steps)])
