"""A traced neuron with its kernel: what runs a sequence of it, and what the operator of `torch.compile` calls."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import torch
from torch import Tensor, nn

from snnx.neuron.kernel.backend import Backend, Inputs
from snnx.neuron.kernel.layout import like, like_step
from snnx.neuron.kernel.multistep import MultiStep
from snnx.neuron.kernel.norm_in_front import prepared


class Layer:
    """A traced neuron with its kernel for one type of device."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.trace = backend, backend.trace

    def runner(self, node: nn.Module) -> Callable[..., tuple[Tensor | None, ...]]:
        """Return the function that computes a sequence of `node`."""
        parameters = [attrgetter(name)(node) for name in self.trace.parameters]
        backend, constants = self.backend, self.backend.constants(parameters)
        watched, forgets, differentiable = node.probe is not None, node.forgets, self.trace.differentiable

        def fused(x: Tensor, *states: Tensor) -> tuple[Tensor | None, ...]:
            x, affine, addend = prepared(node, x)
            given = [tensor for tensor in (x, addend, *states, *parameters) if tensor is not None]
            learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
            h, threshold, s, *last = MultiStep.apply(
                backend, constants, watched, learns, forgets, affine, x, addend, *states, *parameters
            )
            return h, threshold, s if differentiable else s.detach(), *last

        return fused

    def forward(self, x: Tensor, states: Sequence[Tensor], parameters: Sequence[Tensor], learns: bool) -> list[Tensor]:
        """Return `s`, the last states, and what `backward` needs besides the inputs."""
        found = self.backend.compute(self.inputs(x, states, parameters), learns=learns)
        return [found.s, *found.last, *found.kept]

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
        inputs = self.inputs(x, states, parameters)
        grads = self.backend.differentiate(inputs, kept, parameters, wanted, grad_s, grad_last)
        return [grads.x, *(g for g in grads.states if g is not None), *grads.parameters]

    def inputs(self, x: Tensor, states: Sequence[Tensor], parameters: Sequence[Tensor]) -> Inputs:
        """Return what the loops read for a sequence that no probe watches, without a norm in front."""
        x, _, states = self.backend.arrange(x, None, states)
        return Inputs(x, None, states, None, self.backend.constants(parameters), watched=False)

    def results(self, x: Tensor, learns: bool) -> list[Tensor]:
        """Return tensors without values that are like those of `forward`."""
        x, _, _ = self.backend.arrange(x, None, [])
        states = [like_step(x) for _ in range(self.backend.states)]
        return [self.backend.spikes_like(x), *states, *(self.backend.kept_like(x) if learns else ())]

    def gradients(self, x: Tensor, parameters: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor]:
        """Return tensors without values that are like those of `backward`."""
        x, _, _ = self.backend.arrange(x, None, [])
        first = [like_step(x) for want in wanted if want]
        return [like(x, x.dtype), *first, *(torch.empty_like(parameter) for parameter in parameters)]
