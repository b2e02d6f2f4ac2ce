"""The variance that gives neurons which fire once in T steps a current of unit variance at every step."""

from math import inf, prod
from typing import Literal

from torch import nn

from snnx.init.init import Init, Place, places


class ETTFS(Init):
    """`Var(w) = v_threshold^2 * T / fan_in`, divided by what poolings and the input make of it where that is asked for.

        Var(I[t]) = Var(w) * fan_in * E[x[t]^2],    E[x[t]^2] = 1/T where each x fires once in T steps

    The paper's law takes every input for such a neuron. Two places of a network are none, and each can be compensated:

        after pooling R neurons    T * E[x^2] = 1/R + (R - 1)/(R*T)  average,   T * (1 - (1 - 1/T)^R)  maximum
        the network's input        T * E[x^2] = T * input_power

    Args:
        timesteps: T, at least 1.
        v_threshold: of the neurons; the standard deviation of the current becomes this.
        distribution: see `Init`.
        compensate_pool: divide by the first of these after a pooling, taking spike times within a window for independent and
            uniform. In a trained network they are correlated, and this is too much. A mean over the whole image, as ResNet
            has before its read-out, is left alone: it makes scores smaller, and nothing fires on them.
        input_power: mean square of what the first layer sees, over steps, samples and pixels: `mean^2 + std^2` of the images
            for `encoding=repeat`, `p/T` where a share p of the pixels fires once; `None` takes the paper's 1/T.

    Raises:
        ValueError: `timesteps` is below 1, `v_threshold` or `input_power` is not positive, or there is no pooling to
            compensate.

    Source: ETTFS, Eqs 13 to 21 (the normal and the uniform form); the compensations are derived from them, not in the paper.

    Example:
        >>> from snnx.init.init import places
        >>> net = nn.Sequential(nn.Conv2d(1, 8, 5), nn.AvgPool2d(2), nn.Conv2d(8, 16, 5))
        >>> init = ETTFS(timesteps=8, compensate_pool=True)
        >>> [round(init.variance(place) * place.fan_in, 2) for place in places(net)]     # 8 and 8 / 0.34375
        [8.0, 23.27]
    """

    def __init__(
        self,
        *,
        timesteps: int,
        v_threshold: float = 1.0,
        distribution: Literal["uniform", "normal"] = "uniform",
        compensate_pool: bool = False,
        input_power: float | None = None,
    ) -> None:
        super().__init__(distribution=distribution)
        if timesteps < 1:
            raise ValueError(f"ETTFS: timesteps must be at least 1; got {timesteps}")
        if not 0 < v_threshold < inf:
            raise ValueError(f"ETTFS: v_threshold must be positive and finite; got {v_threshold}")
        if input_power is not None and not 0 < input_power < inf:
            raise ValueError(f"ETTFS: input_power must be positive and finite, or null for the paper's 1/T; got {input_power}")
        self.timesteps = timesteps
        self.v_threshold = v_threshold
        self.compensate_pool = compensate_pool
        self.input_power = input_power

    def __call__(self, network: nn.Module) -> None:
        if self.compensate_pool and all(place.pool is None for place in places(network)):
            raise ValueError("ETTFS: compensate_pool must be false where no layer reads a pooling; got true for such a network")
        super().__call__(network)

    def variance(self, place: Place) -> float:
        driven = 1.0
        if place.first and self.input_power is not None:
            driven = self.timesteps * self.input_power
        elif place.pool is not None and self.compensate_pool:
            driven = pooled(place.pool, self.timesteps)
        return self.v_threshold**2 * self.timesteps / place.fan_in / driven


def pooled(pool: nn.AvgPool2d | nn.MaxPool2d, timesteps: int) -> float:
    """`T * E[x[t]^2]` of what comes out of a pooling of neurons that each fire once, at independent uniform times.

    Example:
        >>> [[round(pooled(pool(2), t), 2) for t in (4, 8, 16)] for pool in (nn.AvgPool2d, nn.MaxPool2d)]
        [[0.44, 0.34, 0.3], [2.73, 3.31, 3.64]]
    """
    side = pool.kernel_size
    window = side**2 if isinstance(side, int) else prod(side)
    if isinstance(pool, nn.MaxPool2d):
        return timesteps * (1 - (1 - 1 / timesteps) ** window)
    return 1 / window + (window - 1) / (window * timesteps)
