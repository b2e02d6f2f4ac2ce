"""The loops through time in Triton, as text with places for what depends on the neuron's states and numbers.

A program takes a block of neurons through all steps. Its state stays in registers. Forward keeps the states at the start of
every segment but the first. Backward takes the segments from the last to the first: it computes a segment again from the kept
states, holds what the gradient needs in registers, and then goes back in time through the segment.

The number of steps, the number of neurons and all numbers of the neuron are arguments. These are fixed when a loop is compiled:
`SEGMENT`, `BLOCK`, `SAME` (each state is one expanded value) and `EVEN` (the number of steps is a multiple of `SEGMENT`). A
tensor that is not wanted is `None`.
"""

LOOPS = """
@triton.jit(do_not_specialize=["steps"])
def forward(
    x, addend, s, h, threshold, scale, shift, {forward_states}, {constants}steps, neurons, x_step, addend_step, channels, inner,
    SAME: tl.constexpr, SEGMENT: tl.constexpr, EVEN: tl.constexpr, BLOCK: tl.constexpr,
):
    {load_constants}
    at = tl.cast(tl.program_id(0), tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = at < neurons
    if scale is not None:
        channel = at // inner % channels
        a = tl.load(scale + channel)
        b = tl.load(shift + channel)
    {load_first}
    for first in range(0, steps, SEGMENT):
        if kept0 is not None:
            if first > 0:
                place = tl.cast(first // SEGMENT - 1, tl.int64) * neurons + at
                {keep_states}
        for i in tl.static_range(SEGMENT):
            t = tl.cast(first + i, tl.int64)
            now = here if EVEN else here & (t < steps)
            current = tl.load(x + t * x_step + at, now, other=0.0).to(tl.float32)
            if scale is not None:
                current = tl.fma(current, a, b).to(x.dtype.element_ty).to(tl.float32)
            if addend is not None:
                more = tl.load(addend + t * addend_step + at, now, other=0.0).to(tl.float32)
                current = (current + more).to(x.dtype.element_ty).to(tl.float32)
            potential, spike, compared, {new}{nothing_kept} = step(current, {states}, {constants})
            tl.store(s + t * neurons + at, spike.to(s.dtype.element_ty), now)
            if h is not None:
                tl.store(h + t * neurons + at, potential, now)
            if threshold is not None:
                tl.store(threshold + t * neurons + at, compared, now)
            {advance}
    {store_last}


@triton.jit(do_not_specialize=["steps"])
def backward(
    x, addend, gs, gx, gp, scale, shift, {backward_states}, {constants}steps, neurons,
    x_step, addend_step, gs_step, channels, inner,
    SAME: tl.constexpr, SEGMENT: tl.constexpr, EVEN: tl.constexpr, BLOCK: tl.constexpr,
):
    {load_constants}
    at = tl.cast(tl.program_id(0), tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = at < neurons
    if scale is not None:
        channel = at // inner % channels
        a = tl.load(scale + channel)
        b = tl.load(shift + channel)
    none = tl.zeros([BLOCK], tl.float32)
    {start_gradients}
    segments = (steps + SEGMENT - 1) // SEGMENT
    for passed in range(segments):
        segment = segments - 1 - passed
        first = segment * SEGMENT
        if segment > 0:
            place = tl.cast(segment - 1, tl.int64) * neurons + at
            {load_kept}
        else:
            {load_first_again}
        inputs = ()
        {start_values}
        for i in tl.static_range(SEGMENT):
            t = tl.cast(first + i, tl.int64)
            now = here if EVEN else here & (t < steps)
            current = tl.load(x + t * x_step + at, now, other=0.0).to(tl.float32)
            if scale is not None:
                current = tl.fma(current, a, b).to(x.dtype.element_ty).to(tl.float32)
            if addend is not None:
                more = tl.load(addend + t * addend_step + at, now, other=0.0).to(tl.float32)
                current = (current + more).to(x.dtype.element_ty).to(tl.float32)
            potential, spike, compared, {new}{values} = step(current, {states}, {constants})
            inputs = inputs + (current,)
            {hold_values}
            {advance_again}
        for j in tl.static_range(SEGMENT):
            t = tl.cast(first + SEGMENT - 1 - j, tl.int64)
            now = here if EVEN else here & (t < steps)
            coming = tl.load(gs + t * gs_step + at, now, other=0.0).to(tl.float32)
            grad, {new_gradients} = back(inputs[SEGMENT - 1 - j], {held}coming, {gradients}, {constants})
            tl.store(gx + t * neurons + at, grad.to(gx.dtype.element_ty), now)
            {advance_gradients}
    {store_gradients}
"""
