"""A LIF layer of each other library that is installed, as a function of a `[T, B, *]` current from rest.

Their equations differ in details; what is compared is the cost of one such layer. Retention is 1/2 where it can be chosen.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

Layer = Callable[[Tensor], Tensor]


def snntorch() -> Layer:
    from snntorch import Leaky

    return stepped(Leaky(beta=0.5), lambda x: torch.zeros_like(x))


def norse() -> Layer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it compiles itself with what torch has deprecated
        from norse.torch import LIFBoxCell

    return stepped(LIFBoxCell(), lambda x: None)


def sinabs() -> Layer:
    from sinabs.layers import LIF

    lif = LIF(tau_mem=1.4427)  # 1/ln 2

    def layer(x: Tensor) -> Tensor:
        lif.reset_states()
        return lif(x.transpose(0, 1)).transpose(0, 1)  # sinabs puts the batch first

    return layer


def stepped(cell: Callable, rest: Callable) -> Layer:
    """A cell that takes one step and hands its state on, run over time."""

    def layer(x: Tensor) -> Tensor:
        state, spikes = rest(x[0]), []
        for x_t in x:
            s, state = cell(x_t, state)
            spikes.append(s)
        return torch.stack(spikes)

    return layer


LIBRARIES = {"snnTorch": snntorch, "Norse": norse, "sinabs": sinabs}
