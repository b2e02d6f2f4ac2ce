"""PyTorch's own draw, under its own name."""

from torch import nn

from snnx.init.init import places


class TorchDefault:
    """`w, b ~ U(-1/sqrt(fan_in), +1/sqrt(fan_in))`, so `Var(w) = 1/(3 fan_in)`, a sixth of Kaiming's.

    What a network's layers are drawn by if nothing else is chosen and the backbone does not say otherwise.

    Example:
        >>> layer = nn.Linear(600, 500)
        >>> TorchDefault()(layer)
        >>> round(layer.weight.var().item() * 600, 2)
        0.33
    """

    def __call__(self, network: nn.Module) -> None:
        """Draw all weights and biases of `network` anew."""
        for place in places(network):
            place.layer.reset_parameters()
