"""Computes a sequence on a CPU, by loops over time that numba has compiled."""

import ctypes
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from snnx.neuron.kernel.backend import Backend, Computed, Gradients, Inputs
from snnx.neuron.kernel.backward import backward
from snnx.neuron.kernel.forward import forward
from snnx.neuron.kernel.launch import ROW, Launch, State, run, threads_for
from snnx.neuron.kernel.layout import arranged, dense, like, like_step
from snnx.neuron.kernel.memory import PIECE, WIDEST
from snnx.neuron.kernel.render import render
from snnx.neuron.kernel.settings import evaluate
from snnx.neuron.kernel.trace import Trace
from snnx.neuron.kernel.values import NARROW, WIDE, Access, as_it_is, plus, plus_narrow, scaled, scaled_narrow

KEPT = 1 << 17
"""Largest number of values that backward keeps for a block: half a megabyte, which fits into a core's own cache."""


class NumbaBackend(Backend):
    """The kernel of a traced neuron for a CPU.

    The loops convert bfloat16 to float32 value by value and return bfloat16 spikes. Other types, and the input of a watched
    sequence, are converted to float32 before the loop. Backward keeps nothing but the input.
    """

    name = "numba"

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.kernel = render(trace)
        names = self.kernel.constants
        self.fixed = (ctypes.c_float * max(1, len(names)))(*(self.numbers.get(name, 0.0) for name in names))
        self.varying = [(place, name) for place, name in enumerate(names) if name not in self.numbers]

    def constants(self, parameters: Sequence[Tensor]) -> ctypes.Array:
        if not self.varying:
            return self.fixed
        known = evaluate(self.trace, self.numbers, parameters)
        constants = type(self.fixed)(*self.fixed)
        for place, name in self.varying:
            constants[place] = known[name].item()
        return constants

    def arrange(
        self, x: Tensor, addend: Tensor | None, states: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None, Sequence[Tensor]]:
        """Let the steps of `x` follow one another, and the others have its order; a state of equal numbers stays as it is."""
        x = x if dense(x) and x.stride(0) == x[0].numel() else x.contiguous()
        strides = x.stride()[1:]
        states = [arranged(state, strides) if any(state.stride()) else state for state in states]
        return x, None if addend is None else lying_as(addend, x), states

    def compute(self, inputs: Inputs, *, learns: bool, forgets: bool = False) -> Computed:
        access, normed, added = reading(inputs)
        x, addend = widened(inputs, access)
        s, last = torch.empty_like(x), [] if forgets else [like_step(x) for _ in inputs.states]
        h = torch.empty_like(x) if inputs.watched else None
        threshold = torch.empty_like(x) if inputs.watched and self.kernel.moving else None
        if x.numel():
            rows = zip(inputs.states, last or [None] * self.states, strict=True)
            table = table_of(State(address(v), not any(v.stride()), address(new)) for v, new in rows)
            job = self.job(inputs, x, addend, table)
            job.s, job.h, job.threshold = address(s), address(h), address(threshold)
            run(forward(self.kernel, inputs.watched, access, normed, added), job, threads_for(job))
        return Computed(h, threshold, s, last, [])

    def differentiate(
        self,
        inputs: Inputs,
        kept: Sequence[Tensor],
        parameters: Sequence[Tensor],
        wanted: Sequence[bool],
        grad_s: Tensor | None,
        grad_last: Sequence[Tensor | None],
    ) -> Gradients:
        access, normed, added = reading(inputs)
        x, addend = widened(inputs, access)
        grad_s = torch.zeros_like(x) if grad_s is None else lying_as(grad_s, x)
        grad_last = [None if g is None else arranged(g, x.stride()[1:]) for g in grad_last]
        grad_x = torch.empty_like(x)
        grad_first = [like_step(x) if want else None for want in wanted]
        grad_learned = [torch.zeros_like(parameter) for parameter in parameters]
        if x.numel():
            rows = zip(inputs.states, grad_first, grad_last, strict=True)
            table = table_of(State(address(v), not any(v.stride()), 0, address(g), address(last)) for v, g, last in rows)
            job = self.job(inputs, x, addend, table)
            job.grad_s, job.grad_x = address(grad_s), address(grad_x)
            threads = threads_for(job)
            steps = torch.empty(threads * job.steps * job.block * self.kernel.kept)
            sums = torch.zeros(-(-job.neurons // job.block), self.kernel.learned, dtype=torch.float64) if parameters else None
            job.kept, job.grad_learned = address(steps), address(sums)
            run(backward(self.kernel, access, normed, added), job, threads)
            if parameters:
                grad_learned = [total.to(p.dtype).reshape(p.shape) for total, p in zip(sums.sum(0), parameters, strict=True)]
        return Gradients(grad_x.to(inputs.x.dtype), grad_first, grad_learned)

    def spikes_like(self, x: Tensor) -> Tensor:
        return like(x, torch.bfloat16 if x.dtype == torch.bfloat16 else torch.float32)

    def kept_like(self, x: Tensor) -> list[Tensor]:
        return []

    def job(self, inputs: Inputs, x: Tensor, addend: Tensor | None, table: ctypes.Array) -> Launch:
        """Return the arguments that both loops need."""
        affine, constants, steps, neurons = inputs.affine, inputs.constants, len(x), x[0].numel()
        fitting = min(WIDEST, KEPT // (steps * max(1, self.kernel.kept)), neurons // (4 * torch.get_num_threads()))
        job = Launch(
            x=address(x), addend=address(addend), states=ctypes.addressof(table), constants=ctypes.addressof(constants),
            steps=steps, neurons=neurons, block=max(PIECE, fitting) // PIECE * PIECE,
        )  # fmt: skip
        if affine is not None:
            job.scale, job.shift = address(affine.scale), address(affine.shift)
            job.channels, job.inner = len(affine.scale), affine.inner
        job.alive = (addend, table, constants, affine)
        return job


def reading(inputs: Inputs) -> tuple[Access, Callable, Callable | None]:
    """Return how the loops read `x`, the function that normalises it, and the one that adds to it, if one does."""
    narrow = inputs.x.dtype == torch.bfloat16
    normed = as_it_is if inputs.affine is None else scaled_narrow if narrow else scaled
    added = None if inputs.addend is None else plus_narrow if narrow else plus
    return NARROW if narrow and not inputs.watched else WIDE, normed, added


def widened(inputs: Inputs, access: Access) -> tuple[Tensor, Tensor | None]:
    """Return `x` and what is added to it in the type that the loops read."""
    x, addend = inputs.x, inputs.addend
    return (x, addend) if access is NARROW else (x.float(), None if addend is None else addend.float())


def table_of(states: Iterable[State]) -> ctypes.Array:
    """Write the addresses of the states into a table that the loops read."""
    values = [value for state in states for value in state]
    return (ctypes.c_int64 * (ROW * len(values)))(*values)


def lying_as(value: Tensor, x: Tensor) -> Tensor:
    """Return the values in the type and the order in memory of `x`."""
    return value if value.stride() == x.stride() and value.dtype == x.dtype else torch.empty_like(x).copy_(value)


def address(tensor: Tensor | None) -> int:
    """Return the address of a tensor's values; 0 for `None`."""
    return 0 if tensor is None else tensor.data_ptr()
