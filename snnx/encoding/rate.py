"""Rate coding: the brightness of a pixel is the probability that it fires at a step."""

from math import inf

import torch
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor

from snnx.encoding.encoding import Encoding


class Rate(Encoding, MemoryModule):
    """Draws each spike independently, which is the usual approximation of a Poisson process.

        S[t] = 1[u[t] < gain*x],             u[t] ~ U[0, 1), drawn for each pixel and step
        S[t] = sign(x) * 1[u[t] < gain*|x|]  signed, for normalised pixels: those below the mean give spikes of -1

    With `trains` above 1, each channel becomes that many channels, whose spikes are drawn independently.

    Because of `<`, a pixel of 0 never fires, and with a gain of 1 a pixel of 1 or -1 always does. SpikingJelly's
    `PoissonEncoder` compares with `<=`, so that a pixel of 0 fires once in 2²⁴ draws.

    In training, the random numbers come from torch's global generator on the input's device. In evaluation, each sample has a
    generator of its own, seeded by `eval_seed` and the sample's place in the evaluation. So a sample has the same spikes in any
    batch and in every evaluation, and an evaluation does not change the training.

    Shape:
        `[B, C, H, W]` to `[T, B, C*trains, H, W]`, values 0 and 1, and -1 if signed; output channel `c*trains + i` is train i
        of channel c.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        eval_seed: seed of the random numbers in evaluation.
        trains: number of independent spike trains of a pixel, at least 1.
        signed: whether a spike has the sign of its pixel, which may then be any number. A pixel of `1/gain` or more fires at
            every step, as in the authors' code.
        gain: probability with which a pixel of 1 fires at a step, in (0, 1].

    Raises:
        ValueError: `timesteps` or `trains` is below 1, `gain` leaves its range, a value of x is not a number, or it is outside
            [0, 1] although spikes have no sign.

    Source:
        Direct Training of Spiking Transformers, Eq 6. Signed: the code of Rathi et al., Hybrid Conversion and Spike Timing
        Dependent Backpropagation, 2020 (nitin-rathi/hybrid-snn-conversion), and with `gain=0.5` that of Kim and Panda, BNTT,
        2021 (Intelligent-Computing-Lab-Yale/BNTT-Batch-Normalization-Through-Time); both compare with `<=`.

    Example:
        >>> import torch
        >>> rate = Rate(timesteps=4, in_channels=2, eval_seed=0)
        >>> rate(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)).flatten(1).tolist()
        [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
        >>> Rate(timesteps=2, in_channels=1, eval_seed=0, signed=True)(torch.tensor([-1.0, 0.0]).view(1, 1, 1, 2)).tolist()
        [[[[[-1.0, 0.0]]]], [[[[-1.0, 0.0]]]]]
    """

    def __init__(
        self,
        *,
        timesteps: int,
        in_channels: int,
        eval_seed: int,
        trains: int = 1,
        signed: bool = False,
        gain: float = 1.0,
    ) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        if trains < 1:
            raise ValueError(f"Rate: trains must be at least 1; got {trains}")
        if not 0 < float(gain) <= 1:
            raise ValueError(f"Rate: gain must be in (0, 1]; got {gain}")
        self.trains, self.signed, self.gain = trains, signed, float(gain)
        self.out_channels = in_channels * trains
        self.eval_seed = eval_seed
        self._next = 0  # place of the next sample in the evaluation
        self._places: list[int] = []  # of the samples of the next batch, if they were given
        self.register_memory("generators", [])  # one for each sample of this batch; a reset begins the next batch

    def begin_evaluation(self) -> None:
        super().begin_evaluation()
        self._next = 0
        self._places, self.generators = [], []

    def next_places(self, places: Tensor) -> None:
        self._places, self.generators = places.tolist(), []

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x, *((-inf, inf) if self.signed else (0.0, 1.0)))
        x = x.repeat_interleave(self.trains, dim=1)
        u = torch.empty(self.timesteps, *x.shape, device=x.device)
        if self.training:
            u.uniform_()
        elif not x.is_meta:  # a meta tensor has no values; builds are checked with one
            for sample, generator in enumerate(self._generators_of(x)):
                u[:, sample].uniform_(generator=generator)
        spikes = u.lt_(self.gain * (x.abs() if self.signed else x)).to(x.dtype)  # in place: only T images are in memory
        return spikes.mul_(x.sign()) if self.signed else spikes

    def _generators_of(self, x: Tensor) -> list[torch.Generator]:
        """Return one generator for each sample; for the later steps of the same batch, they are the same and continue."""
        if len(self.generators) != len(x) or self.generators[0].device != x.device:
            places, self._places = self._places, []
            if len(places) != len(x):
                places = range(self._next, self._next + len(x))
                self._next += len(x)
            # A CPU's generator uses 32 bits of its seed. The factor, near 2**32/1.618, keeps the ranges of two seeds apart.
            seeds = ((self.eval_seed * 0x9E3779B1 + place) % 2**32 for place in places)
            self.generators = [torch.Generator(x.device).manual_seed(seed) for seed in seeds]
        return self.generators
