"""A NIR file of a run's network, written only if it gives the same spikes when it is read again."""

import copy
import tempfile
from pathlib import Path

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from snnx.neuron.node import Node
from snnx.record.write import write

STEPS, SAMPLES = 16, 4  # of the round trip; a network that differs does so within steps


def export_nir(network: nn.Module, in_shape: tuple[int, int, int], to: Path) -> int:
    """Write the graph of `network` to `to`, after a round trip through a file and an interpreter of NIR's own equations.

    Args:
        network: takes `[T, B, C, H, W]`.
        in_shape: `(C, H, W)`.
        to: ends in `.nir`.

    Returns:
        The spikes that both gave, on random images.

    Raises:
        ValueError: nir is not installed, the network has what NIR has no node for, the spikes or the scores differ, or there is
            none to compare; nothing is written.
    """
    try:
        import nir
    except ImportError:
        raise ValueError('format=nir needs nir; got none: pip install "snnx[export]"') from None
    from snnx.export.interpret import interpret
    from snnx.export.nir_graph import DT, nir_graph

    if to.suffix != ".nir":
        raise ValueError(f"to must end in .nir; got {to}")
    graph = nir_graph(network, in_shape)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / to.name
        nir.write(file, graph)
        draw = torch.Generator().manual_seed(0)
        x = torch.rand(
            STEPS, SAMPLES, *in_shape, generator=draw, dtype=torch.float64
        )  # else a rounding is a spike now and then
        (ours, scores), theirs = spikes(copy.deepcopy(network).double(), x), interpret(nir.read(file), x, DT)
        for layer, one in ours.items():
            if differing := int((one != theirs[layer.replace(".", "_")]).sum()):
                raise ValueError(f"{layer} must give the same spikes after a round trip; got {differing} that differ")
        if not (count := int(sum(one.sum() for one in ours.values()))):
            raise ValueError("a neuron must fire for random images, or equal spikes say nothing; got none: train it first")
        if not torch.allclose(scores, theirs["output"], rtol=1e-6, atol=1e-6):
            raise ValueError(
                "the read-out must be what the last layer makes; got something that is computed after it, in place"
            )
        write(to, file.read_bytes())
    return count


@torch.no_grad()
def spikes(network: nn.Module, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Neuron layer to its spikes `[T, B, *]`, of `x` from rest, and the scores `[T, B, K]`."""
    found: dict[str, Tensor] = {}
    nodes = {name: module for name, module in network.named_modules() if isinstance(module, Node)}
    hooks = [
        node.register_forward_hook(lambda m, given, made, name=name: found.__setitem__(name, made))
        for name, node in nodes.items()
    ]
    functional.reset_net(network)
    scores = network.eval()(x)
    functional.reset_net(network)
    for hook in hooks:
        hook.remove()
    return found, scores
