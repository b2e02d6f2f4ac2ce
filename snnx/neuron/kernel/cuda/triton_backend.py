"""Computes a sequence on a GPU, by loops over time that Triton has compiled."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snnx.neuron.kernel.backend import Backend, Computed, Gradients, Inputs
from snnx.neuron.kernel.cuda.render import module_of, render
from snnx.neuron.kernel.layout import arranged, dense, like, like_step
from snnx.neuron.kernel.settings import evaluate
from snnx.neuron.kernel.trace import Trace

SEGMENT = 8
"""Number of steps that backward holds in registers."""
MANY = 1 << 18
"""From this number of neurons on, blocks of 512 still give every multiprocessor several blocks."""


class TritonBackend(Backend):
    """The kernel of a traced neuron for a GPU.

    The kernel converts each input to float32 and each spike to the input's type. The values of a step may be in any order in
    memory, as in channels_last, and all steps may share memory, as in an expanded input; neither is copied. For backward, the
    states before every eighth step are kept.
    """

    name = "triton"

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.kernel = render(trace)

    def constants(self, parameters: Sequence[Tensor]) -> list[Tensor | float]:
        known = evaluate(self.trace, self.numbers, parameters)
        return [known[name] for name in self.kernel.constants]

    def arrange(
        self, x: Tensor, addend: Tensor | None, states: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor | None, Sequence[Tensor]]:
        """Let `x` be floating point without gaps in a step, and the others have its order; equal numbers stay as they are."""
        x = x if x.is_floating_point() else x.float()
        x = x if dense(x) else x.contiguous()
        if addend is not None:
            addend = stepwise(addend, x)
        return x, addend, states if same(states) else [arranged(state, x.stride()[1:]) for state in states]

    def compute(self, inputs: Inputs, *, learns: bool, forgets: bool = False) -> Computed:
        x, watched = inputs.x, inputs.watched
        s = like(x, torch.float32 if watched else x.dtype)
        h = like(x, torch.float32) if watched else None
        threshold = like(x, torch.float32) if watched and self.kernel.moving else None
        last = [] if forgets else [like_step(x) for _ in inputs.states]
        kept = self.kept_like(x) if learns else []
        if x.numel():
            none = [None] * self.states
            rows = zip(inputs.states, last or none, kept or none, strict=True)
            self.launch("forward", inputs, [s, h, threshold], [tensor for row in rows for tensor in row], [])
        return Computed(h, threshold, s, last, kept)

    def differentiate(
        self,
        inputs: Inputs,
        kept: Sequence[Tensor],
        parameters: Sequence[Tensor],
        wanted: Sequence[bool],
        grad_s: Tensor | None,
        grad_last: Sequence[Tensor | None],
    ) -> Gradients:
        x = inputs.x
        grad_s = like_step(x).zero_().expand(x.shape) if grad_s is None else stepwise(grad_s, x)
        grad_last = [None if g is None else arranged(g, x.stride()[1:]) for g in grad_last]
        grad_x, grad_first = like(x, x.dtype), [like_step(x) if want else None for want in wanted]
        programs = -(-x[0].numel() // block_of(x))
        shares = x.new_empty(self.kernel.learned, programs, dtype=torch.float32) if parameters else None
        if x.numel():
            rows = zip(inputs.states, kept, grad_first, grad_last, strict=True)
            tables = [tensor for row in rows for tensor in row]
            self.launch("backward", inputs, [grad_s, grad_x, shares], tables, [grad_s.stride(0)])
        totals = shares.sum(1, dtype=torch.float64) if parameters else ()
        learned = [total.to(p.dtype).reshape(p.shape) for total, p in zip(totals, parameters, strict=True)]
        return Gradients(grad_x, grad_first, learned)

    def spikes_like(self, x: Tensor) -> Tensor:
        return like(x, x.dtype)

    def kept_like(self, x: Tensor) -> list[Tensor]:
        return [kept_of(x) for _ in range(self.states)]

    def launch(self, loop: str, inputs: Inputs, own: list, tables: list[Tensor | None], strides: list[int]) -> None:
        """Start a kernel, with one program for each block of neurons.

        Args:
            loop: `forward` or `backward`.
            inputs: what both loops read.
            own: the tensors that only this loop reads or writes.
            tables: the tensors of each state.
            strides: distances in memory from one step to the next, of what only this loop reads.
        """
        x, addend, affine = inputs.x, inputs.addend, inputs.affine
        neurons, segment, block = x[0].numel(), segment_of(x), block_of(x)
        norm, channels = ([None, None], [1, 1]) if affine is None else (affine[:2], [len(affine.scale), affine.inner])
        strides = [x.stride(0), 1 if addend is None else addend.stride(0), *strides, *channels]
        sizes = {"SAME": same(inputs.states), "SEGMENT": segment, "EVEN": len(x) % segment == 0, "BLOCK": block}
        with torch.cuda.device_of(x):
            start = getattr(module_of(self.kernel.text), loop)[(-(-neurons // block),)]
            start(
                x, addend, *own, *norm, *tables, *inputs.constants, len(x), neurons, *strides, **sizes,
                enable_fp_fusion=False,  # a fused sum would be rounded otherwise
            )  # fmt: skip


def same(states: Sequence[Tensor]) -> bool:
    """Whether each state is one expanded number."""
    return not any(any(state.stride()) for state in states)


def stepwise(value: Tensor, x: Tensor) -> Tensor:
    """Return the values with each step lying in memory as one of `x`; the distance between steps may differ."""
    return value if value.stride()[1:] == x.stride()[1:] else like(x, value.dtype).copy_(value)


def segment_of(x: Tensor) -> int:
    """Return the number of steps that backward holds in registers."""
    return min(SEGMENT, 1 << (len(x) - 1).bit_length())


def kept_of(x: Tensor) -> Tensor:
    """Return the memory for the values that a state has before each segment but the first."""
    return x.new_empty(-(-len(x) // segment_of(x)) - 1, *x.shape[1:], dtype=torch.float32)


def block_of(x: Tensor) -> int:
    """Return the number of neurons in a block."""
    return 512 if x[0].numel() >= MANY else 128
