"""An autograd function that computes a whole sequence of one layer, by one compiled loop forward and one backward."""

import torch
from torch import Tensor

from snnx.neuron.kernel.backend import Backend, Inputs
from snnx.neuron.kernel.norm_in_front import Affine


class MultiStep(torch.autograd.Function):
    """Computes the potentials before reset and the thresholds (if `watched`), spikes, and last states (unless it `forgets`).

    The input is `x [T, *]`, followed by the tensor that is added to it, if any, the states `[*]` and the parameters, which
    have one value each. Spikes have the type of the input, but float32 if `watched`, because a probe counts them. Only first
    derivatives are available.
    """

    @staticmethod
    def forward(
        ctx,
        backend: Backend,
        constants: object,
        watched: bool,
        learns: bool,
        forgets: bool,
        affine: Affine | None,
        x: Tensor,
        addend: Tensor | None,
        *rest: Tensor,
    ):
        x, addend, states = backend.arrange(x, addend, rest[: backend.states])
        found = backend.compute(Inputs(x, addend, states, affine, constants, watched), learns=learns, forgets=forgets)
        ctx.save_for_backward(x, addend, *states, *rest[backend.states :], *found.kept)
        ctx.set_materialize_grads(False)
        ctx.backend, ctx.constants, ctx.watched, ctx.affine = backend, constants, watched, affine
        ctx.parameters = len(rest) - backend.states
        if watched:
            ctx.mark_non_differentiable(found.h, *([] if found.threshold is None else [found.threshold]))
        return found.h, found.threshold, found.s, *found.last

    @staticmethod
    def backward(ctx, _, __, grad_s: Tensor | None, *grad_last: Tensor | None):
        reject_second_derivative()
        backend, (x, addend, *saved) = ctx.backend, ctx.saved_tensors
        states, saved = saved[: backend.states], saved[backend.states :]
        parameters, kept = saved[: ctx.parameters], saved[ctx.parameters :]
        inputs = Inputs(x, addend, states, ctx.affine, ctx.constants, ctx.watched)
        wanted = ctx.needs_input_grad[8 : 8 + backend.states]
        grads = backend.differentiate(inputs, kept, parameters, wanted, grad_s, grad_last or [None] * backend.states)
        return *[None] * 6, grads.x, None if addend is None else grads.x, *grads.states, *grads.parameters


def reject_second_derivative() -> None:
    """Raise RuntimeError if autograd records the backward pass, in order to differentiate it again."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "MultiStep: create_graph must be False, since a fused kernel differentiates once; got True; "
            "run the forward within snnx.neuron.kernel.find.definition_only()"
        )
