"""What numba on a CPU and Triton on a GPU have in common: they compute a sequence of a traced neuron, and its gradients."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from snnx.neuron.kernel.norm_in_front import Affine
from snnx.neuron.kernel.trace import Trace


class Inputs(NamedTuple):
    """What both loops of a sequence read; all tensors lie in memory as `Backend.arrange` returns them."""

    x: Tensor
    """`[T, *]`."""
    addend: Tensor | None
    """What is added to each `x` after the norm, if anything is."""
    states: Sequence[Tensor]
    """The first states, `[*]`."""
    affine: Affine | None
    """The norm in front of the neuron, if the kernel computes it."""
    constants: object
    """The kernel's constants, as `Backend.constants` returns them."""
    watched: bool
    """Whether a probe reads the potentials."""


class Computed(NamedTuple):
    """What the loop forward returns."""

    h: Tensor | None
    """The potentials before reset, if the sequence is watched."""
    threshold: Tensor | None
    """The thresholds, if the sequence is watched and they change over time."""
    s: Tensor
    last: list[Tensor]
    """The states after the last step, if they are wanted."""
    kept: list[Tensor]
    """What the loop backward needs besides the inputs."""


class Gradients(NamedTuple):
    """What the loop backward returns."""

    x: Tensor
    states: list[Tensor | None]
    """Of each first state, if it is wanted."""
    parameters: list[Tensor]


class Backend(ABC):
    """A traced neuron's kernel for one type of device."""

    name: str
    """How `Node.path` calls it."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.states = trace, len(trace.states)
        self.numbers = {f"n{i}": number for i, number in enumerate(trace.numbers)}

    @abstractmethod
    def constants(self, parameters: Sequence[Tensor]) -> object:
        """Return the kernel's constants, in the form in which the loops read them."""

    @abstractmethod
    def arrange(
        self, x: Tensor, addend: Tensor | None, states: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None, Sequence[Tensor]]:
        """Return the same values, copied only if they lie in memory in an order that the loops cannot read."""

    @abstractmethod
    def compute(self, inputs: Inputs, *, learns: bool, forgets: bool = False) -> Computed:
        """Run the loop forward.

        Args:
            inputs: the arranged inputs.
            learns: whether gradients will be asked for.
            forgets: whether the last states are not wanted.
        """

    @abstractmethod
    def differentiate(
        self,
        inputs: Inputs,
        kept: Sequence[Tensor],
        parameters: Sequence[Tensor],
        wanted: Sequence[bool],
        grad_s: Tensor | None,
        grad_last: Sequence[Tensor | None],
    ) -> Gradients:
        """Run the loop backward.

        Args:
            inputs: those of `compute`.
            kept: as `compute` returned it.
            parameters: of the neuron, each with one value.
            wanted: for each first state whether its gradient is wanted.
            grad_s, grad_last: gradients of the spikes and of the last states; `None` for zero.
        """

    @abstractmethod
    def spikes_like(self, x: Tensor) -> Tensor:
        """Return an empty tensor that lies in memory as the spikes of an arranged `x` that no probe watches."""

    @abstractmethod
    def kept_like(self, x: Tensor) -> list[Tensor]:
        """Return empty tensors like those that `compute` keeps of an arranged `x` if it learns."""
