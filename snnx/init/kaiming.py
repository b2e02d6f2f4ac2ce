"""Kaiming's variance, made for ReLU."""

from snnx.init.init import Init, Place


class Kaiming(Init):
    """`Var(w) = 2 / fan_in`: a ReLU halves the second moment, and this doubles it back.

    After neurons that fire once in T steps the current of a step has the variance `fan_in * 2/fan_in * 1/T = 2/T` only, which
    diminishes with T.

    Args:
        distribution: see `Init`.

    Source: He et al., 2015. ETTFS, Eqs 8 to 12, takes the uniform variant as its baseline.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(600, 500)
        >>> Kaiming()(layer)
        >>> bool(layer.weight.abs().max() <= 0.1), layer.bias.abs().max().item()    # sqrt(6/600)
        (True, 0.0)
    """

    def variance(self, place: Place) -> float:
        return 2 / place.fan_in
