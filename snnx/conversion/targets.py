"""What the rates of a converted network should be, layer by layer, and where they are furthest from it."""

from collections.abc import Mapping

from torch import Tensor, nn

from snnx.conversion.links import ACTIVATIONS
from snnx.neuron.node import Node


def tell_targets(network: nn.Module, spiking: nn.Module, scales: dict[str, Tensor], images: Tensor) -> Tensor:
    """Run the network without spikes and give each neuron of its conversion, as `target`, what its rate should be.

        target = activation / scale

    Args:
        network: takes `[1, B, C, H, W]`.
        spiking: its conversion, under the same names.
        scales: of its activations.
        images: `[B, C, H, W]`.

    Returns:
        The scores of `network`, `[B, K]`.
    """

    def tell(name: str, y: Tensor) -> None:
        node = next(module for module in spiking.get_submodule(name).modules() if isinstance(module, Node))
        scale = scales[name]
        node.target = y[0] / (scale.view(-1, *[1] * (y.ndim - 3)) if scale.numel() > 1 else scale)

    hooks = [
        module.register_forward_hook(lambda _, x, y, name=name: tell(name, y))
        for name, module in network.named_modules()
        if isinstance(module, ACTIVATIONS)
    ]
    scores = network(images[None])[0]
    for hook in hooks:
        hook.remove()
    return scores


def worst(errors: Mapping[str, Tensor]) -> str:
    """A line on the layer whose rates are furthest off at the last step that was looked at.

    Example:
        >>> import torch
        >>> worst({"sn1": torch.tensor([0.2, 0.1]), "sn2": torch.tensor([0.4, 0.3])})
        'sn2 loses most in conversion: its rates are off by 0.3000 of its scale; mean of all 2 layers 0.2000'
    """
    last = {layer: float(values[-1]) for layer, values in errors.items()}
    layer = max(last, key=last.get)
    mean = sum(last.values()) / len(last)
    return (
        f"{layer} loses most in conversion: its rates are off by {last[layer]:.4f} of its scale; "
        f"mean of all {len(last)} layers {mean:.4f}"
    )
