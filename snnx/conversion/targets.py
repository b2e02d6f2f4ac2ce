"""Computes the firing rates that a converted network should have, and finds the layer that misses them most."""

from collections.abc import Mapping

from torch import Tensor, nn

from snnx.conversion.links import ACTIVATIONS
from snnx.neuron.node import Node


def tell_targets(network: nn.Module, spiking: nn.Module, scales: dict[str, Tensor], images: Tensor) -> Tensor:
    """Run the network without spikes, and store in each neuron of its conversion, as `target`, the rate that it should have.

        target = activation / scale

    Args:
        network: takes `[1, B, C, H, W]` and has no spiking neurons.
        spiking: its conversion, in which the layers have the same names.
        scales: scale of each activation.
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
    """Return one line about the layer whose rates differ most from their targets at the last step that was recorded.

    Args:
        errors: mean absolute error of the rates by layer, each `[steps]`.

    Example:
        >>> import torch
        >>> worst({"sn1": torch.tensor([0.2, 0.1]), "sn2": torch.tensor([0.4, 0.3])})
        'sn2 has the largest conversion error: its rates are off by 0.3000 on average; mean over 2 layers: 0.2000'
    """
    last = {layer: float(values[-1]) for layer, values in errors.items()}
    layer = max(last, key=last.get)
    mean = sum(last.values()) / len(last)
    return (
        f"{layer} has the largest conversion error: its rates are off by {last[layer]:.4f} on average; "
        f"mean over {len(last)} layers: {mean:.4f}"
    )
