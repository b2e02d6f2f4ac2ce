"""PyTorch's default initial weights, as an option with a name."""

from torch import nn

from snnx.init.init import weighted_layers


class TorchDefault:
    """Draws `w, b ~ U(-1/sqrt(fan_in), +1/sqrt(fan_in))`, so `Var(w) = 1/(3 fan_in)`, a sixth of Kaiming's.

    A network starts with these weights if no initialisation is chosen, unless its backbone sets others.

    Source: `reset_parameters` of torch's own layers, which is called here.

    Example:
        >>> layer = nn.Linear(600, 500)
        >>> TorchDefault()(layer)
        >>> round(layer.weight.var().item() * 600, 2)
        0.33
    """

    def __call__(self, network: nn.Module) -> None:
        """Draw new values for all weights and biases of `network`."""
        for layer in weighted_layers(network):
            layer.module.reset_parameters()
