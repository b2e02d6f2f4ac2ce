"""Kaiming's initial weights, derived for ReLU."""

from snnx.init.init import Init, WeightedLayer


class Kaiming(Init):
    """Draws weights with `Var(w) = 2 / fan_in`: a ReLU halves the mean square, and the factor 2 restores it.

    If the inputs fire once in T steps, the current of a step only has the variance `fan_in * 2/fan_in * 1/T = 2/T`, which
    falls as T grows; `ETTFS` avoids that.

    Args:
        distribution: see `Init`.

    Source: He et al., 2015. ETTFS, Eqs 8 to 12, uses the uniform form as its baseline.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(600, 500)
        >>> Kaiming()(layer)
        >>> bool(layer.weight.abs().max() <= 0.1), layer.bias.abs().max().item()    # sqrt(6/600)
        (True, 0.0)
    """

    def variance(self, layer: WeightedLayer) -> float:
        return 2 / layer.fan_in
