"""A traced neuron with its kernel for a CPU: what runs it, and what the operator of `torch.compile` calls."""

import ctypes
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

import torch
from torch import Tensor, nn

from snnx.neuron.kernel.layout import like_step
from snnx.neuron.kernel.multistep import MultiStep, compute, differentiate, in_order, ordered
from snnx.neuron.kernel.norm_in_front import prepared
from snnx.neuron.kernel.render import render
from snnx.neuron.kernel.settings import evaluate
from snnx.neuron.kernel.trace import Trace


class Layer:
    """The traced step of a neuron, and its kernel for a CPU."""

    path = "numba"

    def __init__(self, trace: Trace) -> None:
        self.trace, self.kernel = trace, render(trace)
        numbers = {f"n{i}": number for i, number in enumerate(trace.numbers)}
        self.numbers = {name: numbers[name] for _, _, arguments in trace.settings for name in arguments if name in numbers}
        names = self.kernel.constants
        self.constants = (ctypes.c_float * max(1, len(names)))(*(numbers.get(name, 0.0) for name in names))
        self.varying = [(place, name) for place, name in enumerate(names) if name not in numbers]

    def runner(self, node: nn.Module) -> Callable[..., tuple[Tensor | None, ...]]:
        """Return the function that computes a sequence of `node`."""
        parameters = [attrgetter(name)(node) for name in self.trace.parameters]
        constants = self.constants_with(parameters) if self.varying else self.constants
        kernel, watched = self.kernel, node.probe is not None

        def fused(x: Tensor, *states: Tensor) -> tuple[Tensor | None, ...]:
            x, affine, addend = prepared(node, x)
            return MultiStep.apply(kernel, constants, watched, affine, x, addend, *states, *parameters)

        return fused

    def forward(self, x: Tensor, states: Sequence[Tensor], parameters: Sequence[Tensor], learns: bool) -> list[Tensor]:
        """Return `s`, the last states, and what `backward` needs besides the input, which is nothing."""
        x = in_order(x)
        constants = self.constants_with(parameters) if self.varying else self.constants
        _, _, s, last = compute(self.kernel, constants, False, None, x, None, [ordered(state, x) for state in states])
        return [s, *last]

    def backward(
        self,
        x: Tensor,
        states: Sequence[Tensor],
        parameters: Sequence[Tensor],
        kept: Sequence[Tensor],
        grad_s: Tensor | None,
        grad_last: Sequence[Tensor | None],
        wanted: Sequence[bool],
    ) -> list[Tensor]:
        """Return the gradients of the input, of the first states that are `wanted`, and of the parameters."""
        x = in_order(x)
        constants = self.constants_with(parameters) if self.varying else self.constants
        states = [ordered(state, x) for state in states]
        grad_x, grad_first, grad_learned = differentiate(
            self.kernel, constants, False, None, x, None, states, parameters, wanted, grad_s, grad_last
        )
        return [grad_x, *(g for g in grad_first if g is not None), *grad_learned]

    def results(self, x: Tensor, learns: bool) -> list[Tensor]:
        """Return tensors without values that are like those of `forward`."""
        x = in_order(x)
        s = torch.empty_like(x, dtype=torch.bfloat16 if x.dtype == torch.bfloat16 else torch.float32)
        return [s, *(like_step(x) for _ in range(self.kernel.states))]

    def gradients(self, x: Tensor, parameters: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor]:
        """Return tensors without values that are like those of `backward`."""
        x = in_order(x)
        first = [like_step(x) for want in wanted if want]
        return [torch.empty_like(x), *first, *(torch.empty_like(parameter) for parameter in parameters)]

    def constants_with(self, parameters: Iterable[Tensor]) -> ctypes.Array:
        """Return the kernel's constants; torch computes what depends on parameters, as in the definition."""
        known = evaluate(self.trace, self.numbers, parameters)
        constants = type(self.constants)(*self.constants)
        for place, name in self.varying:
            constants[place] = known[name].item()
        return constants
