"""A LIF layer of each of the other libraries, as a function of a current `[T, B, *]`; each call starts from rest.

Their equations differ in details; the benchmark compares the time of one such layer. The membrane retains 1/2 of its potential
per step where that can be chosen.
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
        warnings.simplefilter("ignore", FutureWarning)  # Norse compiles itself with a deprecated function of torch
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
    """Run a cell that computes one time step over all steps.

    Args:
        cell: takes the input of a step and its state, and returns the spikes and the new state.
        rest: makes the first state from the input of the first step.
    """

    def layer(x: Tensor) -> Tensor:
        state, spikes = rest(x[0]), []
        for x_t in x:
            s, state = cell(x_t, state)
            spikes.append(s)
        return torch.stack(spikes)

    return layer


LIBRARIES = {"snnTorch": snntorch, "Norse": norse, "sinabs": sinabs}
