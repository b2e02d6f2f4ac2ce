"""Rate coding: the brightness of a pixel is the probability that it fires at a step."""

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding


class Rate(Encoding):
    """Draws each spike independently, which is the usual approximation of a Poisson process.

        S[t] = 1[u[t] < x],  u[t] ~ U[0, 1), drawn for each pixel and step

    With `trains` above 1, each channel becomes that many channels, whose spikes are drawn independently.

    Because of `<`, a pixel of 0 never fires and a pixel of 1 always does. SpikingJelly's `PoissonEncoder` compares with `<=`,
    so that a pixel of 0 fires once in 2²⁴ draws.

    In training, the random numbers come from torch's global generator on the input's device. In evaluation, they come from a
    separate generator that is seeded at the start of each evaluation, so that accuracy can be repeated and evaluation does not
    change the training.

    Shape:
        `[B, C, H, W]` to `[T, B, C*trains, H, W]`, values 0 and 1; output channel `c*trains + i` is train i of channel c.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        eval_encoder_seed: seed at the start of each evaluation.
        trains: number of independent spike trains of a pixel, at least 1.

    Raises:
        ValueError: `timesteps` or `trains` is below 1, or a value of x is outside [0, 1].

    Source:
        Direct Training of Spiking Transformers, Eq 6.

    Example:
        >>> import torch
        >>> rate = Rate(timesteps=4, in_channels=2, eval_encoder_seed=0)
        >>> rate(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)).flatten(1).tolist()
        [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, *, timesteps: int, in_channels: int, eval_encoder_seed: int, trains: int = 1) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        if trains < 1:
            raise ValueError(f"Rate: trains must be at least 1; got {trains}")
        self.trains = trains
        self.out_channels = in_channels * trains
        self.eval_encoder_seed = eval_encoder_seed
        self._generator: torch.Generator | None = None  # made with the first batch, on whose device it must be

    def begin_evaluation(self) -> None:
        super().begin_evaluation()
        self._generator = None

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        x = x.repeat_interleave(self.trains, dim=1)
        generator = None if self.training else self._evaluation_generator(x.device)
        u = torch.rand(self.timesteps, *x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return u.lt_(x)  # in place, so that only T images are in memory

    def _evaluation_generator(self, device: torch.device) -> torch.Generator:
        if self._generator is None or self._generator.device != device:
            self._generator = torch.Generator(device).manual_seed(self.eval_encoder_seed)
        return self._generator
