"""A traced neuron with its kernel for a GPU: what runs it, and what the operator of `torch.compile` calls."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import torch
from torch import Tensor, nn

from snnx.neuron.kernel.cuda.multistep import MultiStep, compute, differentiate, in_order, kept_of
from snnx.neuron.kernel.cuda.render import render
from snnx.neuron.kernel.layout import like, like_step
from snnx.neuron.kernel.norm_in_front import prepared
from snnx.neuron.kernel.settings import evaluate
from snnx.neuron.kernel.trace import Trace


class Layer:
    """The traced step of a neuron, and its kernel for a GPU."""

    path = "triton"

    def __init__(self, trace: Trace) -> None:
        self.trace, self.kernel = trace, render(trace)
        self.numbers = {f"n{i}": number for i, number in enumerate(trace.numbers)}

    def runner(self, node: nn.Module) -> Callable[..., tuple[Tensor | None, ...]]:
        """Return the function that computes a sequence of `node`."""
        parameters = [attrgetter(name)(node) for name in self.trace.parameters]
        constants = self.constants_with(parameters)
        kernel, watched = self.kernel, node.probe is not None

        def fused(x: Tensor, *states: Tensor) -> tuple[Tensor | None, ...]:
            x, affine, addend = prepared(node, x)
            given = [tensor for tensor in (x, addend, *states, *parameters) if tensor is not None]
            learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
            return MultiStep.apply(kernel, constants, watched, learns, affine, x, addend, *states, *parameters)

        return fused

    def forward(self, x: Tensor, states: Sequence[Tensor], parameters: Sequence[Tensor], learns: bool) -> list[Tensor]:
        """Return `s`, the last states, and what `backward` needs besides the input if the layer `learns`."""
        x = in_order(x)
        _, _, s, last, _, kept = compute(self.kernel, self.constants_with(parameters), False, learns, None, x, None, states)
        return [s, *last, *(kept if learns else ())]

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
        grad_x, grad_first, grad_learned = differentiate(
            self.kernel,
            self.constants_with(parameters),
            None,
            in_order(x),
            None,
            states,
            kept,
            parameters,
            wanted,
            grad_s,
            grad_last,
        )
        return [grad_x, *(g for g in grad_first if g is not None), *grad_learned]

    def results(self, x: Tensor, learns: bool) -> list[Tensor]:
        """Return tensors without values that are like those of `forward`."""
        x, states = in_order(x), range(self.kernel.states)
        return [like(x, x.dtype), *(like_step(x) for _ in states), *(kept_of(x) for _ in states if learns)]

    def gradients(self, x: Tensor, parameters: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor]:
        """Return tensors without values that are like those of `backward`."""
        x = in_order(x)
        first = [like_step(x) for want in wanted if want]
        return [like(x, x.dtype), *first, *(torch.empty_like(parameter) for parameter in parameters)]

    def constants_with(self, parameters: Sequence[Tensor]) -> list[Tensor | float]:
        """Return the kernel's constants; torch computes what depends on parameters, as in the definition."""
        known = evaluate(self.trace, self.numbers, parameters)
        return [known[name] for name in self.kernel.constants]
