"""Initial weights for neurons that fire once in T steps, so that their input current has unit variance at every step."""

from math import inf, prod, sqrt
from typing import Literal

from torch import nn
from torch.nn.utils import parametrize

from snnx.init.init import Init, WeightedLayer, weighted_layers
from snnx.init.standardised import Standardised


class ETTFS(Init):
    """Draws weights with `Var(w) = v_threshold^2 * T / fan_in`, optionally corrected for poolings and for the network's input.

        Var(I[t]) = Var(w) * fan_in * E[x[t]^2],    E[x[t]^2] = 1/T if each x fires once in T steps

    The paper assumes that the inputs of every layer fire once. This is not so in two places, where `Var(w)` can be divided by

        after pooling R neurons    T * E[x^2] = 1/R + (R - 1)/(R*T)  average,   T * (1 - (1 - 1/T)^R)  maximum
        the network's input        T * E[x^2] = T * input_power

    Args:
        timesteps: number of steps T, at least 1.
        v_threshold: threshold of the neurons, > 0; the current's standard deviation becomes equal to it.
        distribution: see `Init`.
        compensate_pool: whether `Var(w)` is divided by the first expression in layers after a pooling. The expression assumes
            independent uniform spike times within a window; in a trained network they are correlated, so it corrects too much.
            The mean over the whole image before ResNet's read-out is not corrected: it only makes scores smaller, and no
            neuron fires on them.
        input_power: mean square of the first layer's input over steps, samples and pixels, > 0. For `encoding=repeat` it is
            `mean^2 + std^2` of the images; if a share p of the pixels fires once, it is `p/T`. `None` means the paper's 1/T.
        standardise: whether the weights keep this variance, and mean 0, for each output while they are trained, with a learned
            gain for each output (see `Standardised`), as in the paper's second version.

    Raises:
        ValueError: `timesteps` is below 1, `v_threshold` or `input_power` is not positive and finite, or `compensate_pool` is
            true for a network without a pooling.

    Source: ETTFS, Eqs 13 to 21 (the normal and the uniform form). The two corrections are derived from them; they are not in
        the paper.

    Example:
        >>> from snnx.init.init import weighted_layers
        >>> net = nn.Sequential(nn.Conv2d(1, 8, 5), nn.AvgPool2d(2), nn.Conv2d(8, 16, 5))
        >>> init = ETTFS(timesteps=8, compensate_pool=True)
        >>> [round(init.variance(layer) * layer.fan_in, 2) for layer in weighted_layers(net)]     # 8 and 8 / 0.34375
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
        standardise: bool = False,
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
        self.standardise = standardise

    def __call__(self, network: nn.Module) -> None:
        if self.compensate_pool and all(layer.pool is None for layer in weighted_layers(network)):
            raise ValueError("ETTFS: compensate_pool must be false for a network in which no layer follows a pooling; got true")
        super().__call__(network)
        if self.standardise:
            for layer in list(weighted_layers(network)):
                kept = Standardised(len(layer.module.weight), std=sqrt(self.variance(layer)))
                parametrize.register_parametrization(layer.module, "weight", kept)

    def variance(self, layer: WeightedLayer) -> float:
        driven = 1.0
        if layer.first and self.input_power is not None:
            driven = self.timesteps * self.input_power
        elif layer.pool is not None and self.compensate_pool:
            driven = pooled(layer.pool, self.timesteps)
        return self.v_threshold**2 * self.timesteps / layer.fan_in / driven


def pooled(pool: nn.AvgPool2d | nn.MaxPool2d, timesteps: int) -> float:
    """Return `T * E[x[t]^2]` of a pooling's output, if its input neurons each fire once at independent uniform times.

    Example:
        >>> [[round(pooled(pool(2), t), 2) for t in (4, 8, 16)] for pool in (nn.AvgPool2d, nn.MaxPool2d)]
        [[0.44, 0.34, 0.3], [2.73, 3.31, 3.64]]
    """
    side = pool.kernel_size
    window = side**2 if isinstance(side, int) else prod(side)
    if isinstance(pool, nn.MaxPool2d):
        return timesteps * (1 - (1 - 1 / timesteps) ** window)
    return 1 / window + (window - 1) / (window * timesteps)
