"""Writes a run's network as a NIR file, but only if reading it back gives the same spikes."""

import copy
import tempfile
from pathlib import Path

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from snnx.neuron.node import Node
from snnx.record.write import write

STEPS, SAMPLES = 16, 4  # size of the random input for the comparison; if the spikes differ, they do so within a few steps


def export_nir(network: nn.Module, in_shape: tuple[int, int, int], to: Path) -> int:
    """Write the graph of `network` to the file `to`.

    Before that, the graph is written to a temporary file, read back, and run with NIR's own equations on random images; its
    spikes and scores must be those of the network.

    Args:
        network: takes `[T, B, C, H, W]`.
        in_shape: `(C, H, W)`.
        to: path of the file; must end in `.nir`.

    Returns:
        The number of spikes that were compared.

    Raises:
        ValueError: nir is not installed, NIR has no node for a part of the network, the spikes or scores differ, or no neuron
            fires. Nothing is written then.
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
        )  # float64, because in float32 a rounding error now and then changes a spike
        (ours, scores), theirs = spikes(copy.deepcopy(network).double(), x), interpret(nir.read(file), x, DT)
        for layer, fired in ours.items():
            if differing := int((fired != theirs[layer.replace(".", "_")]).sum()):
                raise ValueError(f"{layer} must give the same spikes after it is read back; got {differing} that differ")
        if not (count := int(sum(fired.sum() for fired in ours.values()))):
            raise ValueError("at least one neuron must fire for random images, to compare spikes; got none: train it first")
        if not torch.allclose(scores, theirs["output"], rtol=1e-6, atol=1e-6):
            raise ValueError(
                "the scores must be the output of the last layer; got something that is computed after it, in place"
            )
        write(to, file.read_bytes())
    return count


@torch.no_grad()
def spikes(network: nn.Module, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Run a network from its resting state.

    Args:
        network: takes `[T, B, C, H, W]`.
        x: its input.

    Returns:
        The spikes `[T, B, *]` of each neuron layer by its name, and the scores `[T, B, K]`.
    """
    found: dict[str, Tensor] = {}
    nodes = {name: module for name, module in network.named_modules() if isinstance(module, Node)}
    hooks = [
        node.register_forward_hook(lambda m, inputs, output, name=name: found.__setitem__(name, output))
        for name, node in nodes.items()
    ]
    functional.reset_net(network)
    scores = network.eval()(x)
    functional.reset_net(network)
    for hook in hooks:
        hook.remove()
    return found, scores
