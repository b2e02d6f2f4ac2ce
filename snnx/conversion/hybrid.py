"""Trains a ReLU network whose first layers spike already."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import ceil

import torch
from torch import Tensor, nn

from snnx.conversion.replaceable import Replaceable


class Hybrid:
    """Runs a network whose activations are replaced by spiking neurons one after another, and trains it in tandem.

    A layer contains everything that runs between one activation and the next, also the shortcut of a residual block.

    Args:
        network: its activations are `Replaceable`; it must have passed `links`.
        in_shape: `(C, H, W)`; one image of zeros is passed through it to find the order of the layers.

    Attributes:
        neurons: the activations by name, in the order in which they run.
        frozen: number of layers that do not learn, counted from the first one; only layers that spike can be frozen.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> net = ConvNet(neuron=Replaceable, in_shape=(1, 8, 8), classes=2, channels=[4, 4])
        >>> hybrid = Hybrid(net, (1, 8, 8))
        >>> list(hybrid.neurons), [len(layer) for layer in hybrid.layers]    # convolution, norm, activation, pooling
        (['stages.sn1', 'stages.sn2'], [3, 4])
    """

    def __init__(self, network: nn.Module, in_shape: tuple[int, int, int]) -> None:
        self.network = network
        ran = _in_order(network, in_shape)
        ends = [place + 1 for place, module in enumerate(ran) if isinstance(module, Replaceable)]
        self.layers = [ran[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        names = {module: name for name, module in network.named_modules()}
        self.neurons: dict[str, Replaceable] = {names[layer[-1]]: layer[-1] for layer in self.layers}
        self.frozen = 0

    @property
    def spiking(self) -> list[Replaceable]:
        """The activations that are replaced."""
        return [neuron for neuron in self.neurons.values() if neuron.v_threshold is not None]

    def outputs(self, encoded: Tensor) -> Tensor:
        """Return the outputs `[1, B, K]` for `[T, B, C, H, W]`, means over the steps."""
        return self.network(encoded).mean(0, keepdim=True)

    def tandem(self, images: Tensor, encoded: Tensor) -> Tensor:
        """Return the outputs `[1, B, K]` of a training step, with the gradient of ReLU layers that read spike counts.

            forward:   a_l = mean over t of y_l[t]              of a layer that spikes, simulated in evaluation mode
            backward:  as if a_l were ReLU(norm(W a_(l-1) + b))

        The `frozen` layers get no gradient, and their norms keep their statistics.

        Args:
            images: `[B, C, H, W]`, which the first layer reads.
            encoded: these images as the network's input at all steps, `[T, B, C, H, W]`.
        """
        spiking = self.spiking
        sent: dict[Replaceable, Tensor] = {}

        def see(neuron: Replaceable, _: tuple, y: Tensor) -> None:
            sent[neuron] = y.mean(0, keepdim=True)

        def replace(neuron: Replaceable, _: tuple, y: Tensor) -> Tensor:
            return sent[neuron] if neuron in spiking[: self.frozen] else sent[neuron] + (y - y.detach())

        self.network.eval()
        with torch.no_grad(), _hooks(spiking, see):
            self.network(encoded)
        self.network.train()
        for module in (module for layer in self.layers[: self.frozen] for module in layer):
            module.eval()
        with _hooks(spiking, replace):
            return self.network(images[None])

    @torch.no_grad()
    def next_threshold(self, encoded: Iterable[Tensor], percentile: float) -> float:
        """Return the threshold of the first layer that does not spike yet: a percentile of its activations.

            v_threshold = the k-th smallest of the n activations, zeros included, k = ceil(percentile/100 * n)

        Args:
            encoded: the samples, batch by batch, `[T, B, C, H, W]`.
            percentile: in (0, 100].

        Raises:
            ValueError: the percentile is 0, since the layer is active too rarely.
        """
        name, neuron = next((name, one) for name, one in self.neurons.items() if one.v_threshold is None)
        seen: list[Tensor] = []
        training = self.network.training
        self.network.eval()
        with _hooks([neuron], lambda _, __, y: seen.append(y.flatten())):
            for batch in encoded:
                self.network(batch)
        self.network.train(training)
        values = torch.cat(seen).sort().values
        threshold = values[max(1, ceil(round(percentile * len(values) / 100, 6))) - 1].item()
        if not threshold > 0:
            raise ValueError(
                f"Tandem: {name} must be active on the calibration set; got a {percentile:g} percentile of 0; raise "
                "method.percentile, or train the ReLU network for longer"
            )
        return threshold


@contextmanager
def _hooks(neurons: Iterable[nn.Module], hook: Callable) -> Iterator[None]:
    """Call `hook` after each forward of these layers within the context."""
    handles = [neuron.register_forward_hook(hook) for neuron in neurons]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def _in_order(network: nn.Module, in_shape: tuple[int, int, int]) -> list[nn.Module]:
    """Return the modules without parts, in the order in which they run."""
    ran: list[nn.Module] = []
    training = network.training
    parameter = next(network.parameters())
    network.eval()
    with _hooks([m for m in network.modules() if not any(m.children())], lambda module, *_: ran.append(module)):
        network(torch.zeros(1, 1, *in_shape, dtype=parameter.dtype, device=parameter.device))
    network.train(training)
    return ran
