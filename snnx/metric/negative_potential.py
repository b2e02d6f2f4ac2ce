"""Measures the percentage of neurons whose potential is below zero when it is compared with the threshold."""

from typing import Literal

from torch import Tensor, nn

from snnx.metric.by_step import require_steps
from snnx.metric.metric import Metric, Table, rise
from snnx.neuron.node import Node


class NegativePotential(Metric):
    """`negative_potential_percent[t, b] = 100 * #{h[t, b] < 0} / neurons`, with `h` the potential before reset.

    With `on="V"` the potential after the reset is used instead. `rise` is the last layer's value minus that of the layer before
    it. For KLIF with `after_charge` the share is 0, because its potential passes through a ReLU after the charge.

    Args:
        on: `H`, the potential before the reset, or `V`, the potential after it.

    Raises:
        ValueError: `on` is neither, or it is V and a neuron overrides `step`.

    Source: Direct Training of Spiking Transformers, section 4.6 and Figure 16.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> NegativePotential().measure(torch.tensor([[[-1.0, -0.5, 0.0, 2.0]]]), torch.zeros(1, 1, 4), IF())
        {'negative_potential_percent': tensor([[50.]])}
    """

    needs_potential = True
    over_samples = {"negative_potential_percent": "mean"}
    in_pieces = True

    def __init__(self, *, on: Literal["H", "V"] = "H") -> None:
        if on not in ("H", "V"):
            raise ValueError(f"NegativePotential: on must be H (before the reset) or V (after it); got {on}")
        self.on = on

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "NegativePotential")
        for module in network.modules():
            if self.on == "V" and isinstance(module, Node) and type(module).step is not Node.step:
                raise ValueError(
                    f"NegativePotential: on must be H for {type(module).__name__}, whose own step hides the potential after "
                    "the reset; got V"
                )

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        v = h if self.on == "H" else node.discharge(h, s)
        return {"negative_potential_percent": 100 * (v.flatten(2) < 0).float().mean(2)}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        return rise(table)
