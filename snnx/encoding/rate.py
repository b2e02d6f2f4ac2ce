"""Rate coding: brightness is the probability of a spike."""

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding


class Rate(Encoding):
    """Independent Bernoulli spikes, the usual stand-in for a Poisson process.

        S[t] = 1[u[t] < x],  u[t] ~ U[0, 1) drawn anew at each t

    With `<` a pixel of 0 never fires and a pixel of 1 always does; SpikingJelly's `PoissonEncoder` compares with `<=`,
    so that its zero pixels fire once in 2²⁴ draws.

    In training the numbers come from torch's global generator of the input's device. In evaluation they come from a
    generator of our own, seeded anew for each pass: accuracy is repeatable, and evaluating leaves training undisturbed.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: T, at least 1.
        in_channels: C.
        eval_encoder_seed: seed of each evaluation pass.

    Raises:
        ValueError: x leaves [0, 1].

    Source:
        Direct Training of Spiking Transformers, Eq 6.

    Example:
        >>> import torch
        >>> rate = Rate(timesteps=4, in_channels=2, eval_encoder_seed=0)
        >>> rate(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)).flatten(1).tolist()
        [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, *, timesteps: int, in_channels: int, eval_encoder_seed: int) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        self.eval_encoder_seed = eval_encoder_seed
        self._generator: torch.Generator | None = None  # lives on the input's device, so it is made with the first batch

    def begin_evaluation(self) -> None:
        super().begin_evaluation()
        self._generator = None

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        generator = None if self.training else self._evaluation_generator(x.device)
        u = torch.rand(self.timesteps, *x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return u.lt_(x)  # in place: T images in memory, not three times T

    def _evaluation_generator(self, device: torch.device) -> torch.Generator:
        if self._generator is None or self._generator.device != device:
            self._generator = torch.Generator(device).manual_seed(self.eval_encoder_seed)
        return self._generator
