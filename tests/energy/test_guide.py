"""The guide on spiking metrics has a table of cases in which counters disagree; its numbers are counted here."""

from pathlib import Path

import pytest
import torch
from counters import counted, spikingjelly
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import nn

from snnx.attention.self_attention import SelfAttention
from snnx.neuron.if_ import IF

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "spiking_metrics.md"


class Scaled(nn.Module):
    def forward(self, x):
        return 0.7 * x


def network(*between: nn.Module, reads: int = 64) -> nn.Module:
    """A convolution, neurons, a module that changes the spikes, and a linear layer that reads them."""
    made = [SeqToANNContainer(nn.Conv2d(1, 4, 3, padding=1, bias=False)), IF(v_threshold=0.3), *between, nn.Flatten(2)]
    return waves(nn.Sequential(*made, nn.Linear(reads, 5, bias=False)))


def waves(made: nn.Module) -> nn.Module:
    """Set weights that do not depend on the version of torch."""
    for parameter in made.parameters():
        if parameter.ndim > 1:
            parameter.data = torch.arange(float(parameter.numel())).mul(0.7).sin().add(0.2).view_as(parameter)
    for module in made.modules():
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return made.eval()


def images(values: bool) -> torch.Tensor:
    found = torch.arange(192.0).mul(1.3).sin().abs().view(4, 3, 1, 4, 4)
    return found if values else (found > 0.5).float()


def linear() -> nn.Module:
    return waves(nn.Sequential(nn.Linear(4, 10, bias=False)))


def tokens() -> torch.Tensor:
    return (torch.arange(240.0).mul(1.7).sin() > 0).float().view(3, 2, 5, 8)


CASES = {
    "spikes, 0 or 1": (network(), images(values=False)),
    "an image, other values at each step": (network(), images(values=True)),
    "an image, the same at each step": (network(), images(values=True)[:1].expand(4, 3, 1, 4, 4)),
    "scaled spikes": (network(Scaled()), images(values=False)),
    "means of 2x2 spikes": (network(SeqToANNContainer(nn.AvgPool2d(2)), reads=16), images(values=False)),
    "ternary spikes": (linear(), torch.tensor([[[1.0, 0.0, -1.0, 1.0]]])),
    "graded spikes": (linear(), torch.tensor([[[1.0, 0.0, 2.0, 3.0]]])),
    "attention of spikes": (waves(SelfAttention(8, 2, lambda: IF(v_threshold=0.3))), tokens()),
}


def neurobench(made: nn.Module, x: torch.Tensor) -> dict[str, float]:
    """Add up NeuroBench's SynapticOperations over the layers."""
    from neurobench.metrics.utils.layers import single_layer_MACs

    met, counts = [], [0.0, 0.0]
    layers = [m for m in made.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    hooks = [m.register_forward_pre_hook(lambda m, given: met.append((m, given[0]))) for m in layers]
    functional.reset_net(made)
    made(x)
    for hook in hooks:
        hook.remove()
    for layer, given in met:
        operations, spiking = single_layer_MACs(given, layer)
        counts[0 if spiking else 1] += float(operations)
    return {"synops": counts[0] / x.shape[1], "macs": counts[1] / x.shape[1]}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("column", [counted, spikingjelly, neurobench], ids=["snnx", "spikingjelly", "neurobench"])
def test_the_table_of_the_guide(case, column):
    if column is neurobench:
        pytest.importorskip("neurobench", reason="the extra is not installed: pip install 'snnx[neurobench]'")
    with torch.no_grad():
        count = column(*CASES[case])
    place = (counted, spikingjelly, neurobench).index(column)
    (row,) = [line.split(" | ") for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {case} |")]
    assert row[1 + place].removesuffix(" |") == f"{count['synops']:.1f} + {count['macs']:.1f}"
