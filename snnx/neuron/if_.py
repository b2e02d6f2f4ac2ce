"""The integrate-and-fire neuron."""

from torch import Tensor

from snnx.neuron.node import Node


class IF(Node):
    """Integrate and fire: the potential adds up its input and never leaks.

        h[t] = v[t-1] + x[t]

    Fire, reset, shapes and arguments are those of `Node`.

    Source: Direct Training of Spiking Transformers, Eq 1 with tau = 1.

    Example:
        >>> import torch
        >>> IF()(torch.full((4, 1), 0.5)).squeeze().tolist()
        [0.0, 1.0, 0.0, 1.0]

        Soft reset, 100 steps at 0.375: 37 spikes leave a potential of 0.5, so the rate is (37.5 - 0.5)/100.

        >>> neuron = IF(v_reset=None)
        >>> int(neuron(torch.full((100, 1), 0.375)).sum()), neuron.v.item()
        (37, 0.5)
    """

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x
