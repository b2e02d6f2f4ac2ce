"""Operation counts of a network for a given input, by our metric and by SpikingJelly, for tests that compare them."""

import torch
from spikingjelly.activation_based import functional, op_counter
from torch import nn

from snnx.decoding.mean_logits import MeanLogits
from snnx.metric.energy import Energy
from snnx.metric.recorder import Recorder


def counted(network: nn.Module, x: torch.Tensor) -> dict[str, float]:
    """The numbers of the metric `Energy` for encoded samples `[T, B, *]`, without the prefix of their names."""
    with torch.no_grad(), Recorder(network.eval(), [Energy()]) as recorder:
        functional.reset_net(network)
        recorder.labels = torch.zeros(x.shape[1])
        recorder.see_input(x[0], x)
        recorder.see_output(network(x), MeanLogits())
        recorder.end_batch(torch.zeros(x.shape[1], dtype=torch.bool))
        return {key.removeprefix("test/energy_"): value for key, value in recorder.scalars().items() if key.startswith("test")}


def spikingjelly(network: nn.Module, x: torch.Tensor) -> dict[str, float]:
    """SpikingJelly's counts per sample, summed over all time steps."""
    functional.reset_net(network)
    counters = {"synops": op_counter.SynOpCounter(), "macs": op_counter.MACCounter()}
    with torch.no_grad(), op_counter.DispatchCounterMode(list(counters.values())):
        network(x)
    return {name: counter.get_total() / x.shape[1] for name, counter in counters.items()}
