"""The mean and variance of each channel, added up as torch does it, for several channels at once.

For contiguous float32 input torch adds up one channel after another, and each addition waits for the one before. Here sixteen
channels are added up side by side, each in the same order and with the same rounding, so the results are equal to the last bit.
"""

from functools import cache

import torch
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic
from torch import Tensor

from snnx.neuron.kernel.compile import SOURCES, compiled
from snnx.neuron.kernel.launch import Launch, run, take_block, threads_for
from snnx.neuron.kernel.memory import DOUBLE, FLOAT, INT32, INT64, floats, stack_blocks, stack_sums

LANES = 8
"""Channels that one vector instruction adds up; also the values of each channel that it reads at once."""
TILES = 2
"""Groups of channels that are added up in turns, so that an addition of one does not wait for that of the other."""
TOGETHER = LANES * TILES


def transposed(builder: ir.IRBuilder, rows: list[ir.Value]) -> list[ir.Value]:
    """Swap rows and columns of eight vectors of eight numbers."""

    def shuffled(one: ir.Value, other: ir.Value, places: tuple[int, ...]) -> ir.Value:
        return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(INT32, LANES), places))

    def pairs(values: list[ir.Value], low: tuple[int, ...], high: tuple[int, ...], step: int) -> list[ir.Value]:
        found = list(values)
        for first in (i for i in range(LANES) if not i & step):
            one, other = values[first], values[first + step]
            found[first], found[first + step] = shuffled(one, other, low), shuffled(one, other, high)
        return found

    rows = pairs(rows, (0, 8, 2, 10, 4, 12, 6, 14), (1, 9, 3, 11, 5, 13, 7, 15), 1)
    rows = pairs(rows, (0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15), 2)
    return pairs(rows, (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15), 4)


def adder(centred: bool):
    """Make a function that adds eight values of each of eight channels to the channels' sums.

    If `centred`, it subtracts the channel's mean from each value and adds the square.
    """

    @intrinsic
    def add(typing, address, stride, sums, means, lane):
        def generate(context, builder, signature, arguments):
            address, stride, sums, means, lane = arguments
            vector = ir.VectorType(FLOAT, LANES)

            def read(place: ir.Value) -> ir.Value:
                return builder.load(builder.inttoptr(place, vector.as_pointer()), align=4)

            width = builder.mul(stride, INT64(4))
            rows = [read(builder.add(address, builder.mul(width, INT64(i)))) for i in range(LANES)]
            columns = transposed(builder, rows)
            place = builder.bitcast(builder.gep(sums, [lane]), ir.VectorType(DOUBLE, LANES).as_pointer())
            total = builder.load(place, align=8)
            if centred:
                mean = builder.load(builder.bitcast(builder.gep(means, [lane]), vector.as_pointer()), align=4)
                columns = [builder.fsub(column, mean) for column in columns]
                columns = [builder.fmul(column, column) for column in columns]
            for column in columns:
                total = builder.fadd(total, builder.fpext(column, total.type))
            builder.store(total, place, align=8)
            return context.get_dummy_value()

        sizes = (types.int64, types.int64, types.CPointer(types.float64), types.CPointer(types.float32), types.int64)
        return types.void(*sizes), generate

    return add


add_values, add_squares = adder(centred=False), adder(centred=True)


@cache
def loop():
    """Compile the loop, which takes the channels in groups."""
    sources = SOURCES

    def snnx_statistics(pointer):
        sources  # noqa: B018
        job = carray(pointer, 1)[0]
        samples, channels, inner = job.steps, job.channels, job.inner
        x, means, squares = floats(job.x), floats(job.scale), floats(job.shift)
        sums, mean = stack_sums(), stack_blocks()
        first = take_block(pointer) * TOGETHER
        while first < channels:
            count = min(TOGETHER, channels - first)
            for centred in range(2):
                for lane in range(TOGETHER):
                    sums[lane] = 0.0
                for sample in range(samples):
                    start, done = (sample * channels + first) * inner, 0
                    if count == TOGETHER:
                        while done + LANES <= inner:
                            for lane in range(0, TOGETHER, LANES):
                                place = job.x + 4 * (start + lane * inner + done)
                                if centred:
                                    add_squares(place, inner, sums, mean, lane)
                                else:
                                    add_values(place, inner, sums, mean, lane)
                            done += LANES
                    for i in range(done, inner):
                        for lane in range(count):
                            value = x[start + lane * inner + i]
                            if centred:
                                value = (value - mean[lane]) * (value - mean[lane])
                            sums[lane] += value
                for lane in range(count):
                    if centred:
                        squares[first + lane] = sums[lane]
                    else:
                        mean[lane] = sums[lane] / (samples * inner)
                        means[first + lane] = mean[lane]
            first = take_block(pointer) * TOGETHER

    return compiled(snnx_statistics)


def added_up(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of each channel, and the sum of the squares of the differences from it.

        mean = sum(x) / (N*S)                 squares = sum((x - mean)^2)             sums in float64, differences in float32

    Args:
        x: contiguous float32 input `[N, C, *]`, where S is the product of the last sizes.

    Example:
        >>> mean, squares = added_up(torch.tensor([[[1.0, 3.0]], [[5.0, 7.0]]]))
        >>> mean.item(), squares.item()
        (4.0, 20.0)
    """
    channels = x.shape[1]
    mean, squares = torch.empty(channels), torch.empty(channels)
    job = Launch(
        x=x.data_ptr(), scale=mean.data_ptr(), shift=squares.data_ptr(), steps=len(x), channels=channels,
        inner=x[0, 0].numel(), neurons=x[0].numel(), block=TOGETHER,
    )  # fmt: skip
    run(loop(), job, min(threads_for(job), -(-channels // TOGETHER)))
    return mean, squares


def fits(x: Tensor) -> bool:
    """Whether torch adds up the values of this input in the order of this file, and slower."""
    plain = x.dtype == torch.float32 and x.device.type == "cpu" and x.is_contiguous() and x.numel() > 0
    return plain and x.numel() > x.shape[0] * x.shape[1]  # for images of one pixel, torch adds up several channels at once


def statistics(x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel, and update the running ones, as `torch.batch_norm_update_stats` does.

    running_mean = m * mean + (1 - m) * running_mean
    running_var  = m * var * n/(n-1) + (1 - m) * running_var           n = N*S
    """
    if not fits(x):
        return torch.ops.aten.batch_norm_update_stats(x, running_mean, running_var, momentum)
    mean, squares = added_up(x)
    count = x.numel() // x.shape[1]
    new = torch.tensor(momentum)  # float32, so that `1 - new` is rounded as torch rounds it
    if running_mean is not None:
        running_mean.copy_(mean * new + running_mean * (1 - new))
    if running_var is not None:
        running_var.copy_(torch.add(running_var * (1 - new), squares / (count - 1), alpha=momentum))  # one rounding less
    return mean, squares / count
