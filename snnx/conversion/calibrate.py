"""The scale of each activation over a calibration set: a maximum, or a percentile that is exact in constant memory."""

from collections.abc import Callable, Iterable
from math import ceil
from typing import Literal

import torch
from torch import Tensor, nn

from snnx.conversion.clipped import Clipped
from snnx.conversion.links import ACTIVATIONS

DIGITS = ((20, 11), (10, 10), (0, 10))  # shift and width, in bits, of a positive float's three digits


@torch.no_grad()
def calibrate(
    network: nn.Module,
    batches: Callable[[], Iterable[Tensor]],
    *,
    percentile: float | None = None,
    over: Literal["nonzero", "all"] = "nonzero",
    per_channel: bool = False,
) -> dict[str, Tensor]:
    """Activation name to its scale, a number or one a channel.

        scale = max of the activations                                          percentile None
        scale = the k-th smallest of the n activations, k = ceil(percentile/100 * n)

    over the whole set, exactly: an order statistic of its activations as float32, not an average over batches. The bits of
    positive floats are ordered as the floats are, so three passes of counting find it digit by digit, with 2,048 counters a
    channel whatever the size of the set. A clipped activation brings its own scale. A channel that is silent over the set takes
    the largest scale of its layer.

    Args:
        network: takes `[1, B, C, H, W]`, without spikes.
        batches: gives images `[B, C, H, W]` whenever it is called, the same each time.
        percentile: in (0, 100].
        over: the activations above 0, or all.
        per_channel: a scale for each channel.

    Raises:
        ValueError: `percentile` or `over` leaves its range, the set is empty, or an activation has no scale above 0.

    Source: Rueckauer et al., 2017; SpikingJelly's hook averages batches instead, and takes all values.

    Example:
        >>> net, images = nn.Sequential(nn.ReLU()), [torch.tensor([[-1.0, 1.0], [2.0, 3.0]]), torch.tensor([[0.0, 4.0]])]
        >>> ways = [{}, {"percentile": 50, "over": "all"}, {"percentile": 50, "over": "nonzero"}]
        >>> [calibrate(net, lambda: images, **way)["0"].item() for way in ways]
        [4.0, 1.0, 2.0]
    """
    if percentile is not None and not 0 < percentile <= 100:
        raise ValueError(f"calibrate: percentile must lie in (0, 100], or be null for the maximum; got {percentile}")
    if over not in ("nonzero", "all"):
        raise ValueError(f"calibrate: over must be nonzero or all; got {over}")
    layers = {name: module for name, module in network.named_modules() if isinstance(module, ACTIVATIONS)}
    free = {name: module for name, module in layers.items() if not isinstance(module, Clipped)}
    scales = {name: _ceiling(name, module) for name, module in layers.items() if name not in free}
    if free:
        found = {name: _Maximum() if percentile is None else _Rank(percentile, over == "nonzero") for name in free}
        for _ in range(1 if percentile is None else len(DIGITS)):
            samples = _watch(network, free, found, batches, per_channel)
            for one in found.values():
                one.end_pass()
        scales |= {name: one.value for name, one in found.items()}
    else:
        samples = 0
    return {name: _positive(name, scales[name], samples, percentile, over) for name in layers}


def _watch(network: nn.Module, layers: dict, found: dict, batches: Callable, per_channel: bool) -> int:
    """Show every activation of the set to what looks for its scale; the number of samples."""

    def see(name: str, y: Tensor) -> None:
        # [1, B, C, *] to [C, values]; images alone have no time in front
        values = y.flatten(0, 1).movedim(1, 0).flatten(1) if per_channel else y.reshape(1, -1)
        found[name].see(values.float())

    hooks = [m.register_forward_hook(lambda _, x, y, name=name: see(name, y)) for name, m in layers.items()]
    samples = 0
    try:
        for images in batches():
            network(images[None])
            samples += len(images)
    finally:
        for hook in hooks:
            hook.remove()
    if not samples:
        raise ValueError("calibrate: the calibration set must hold a sample; got none")
    return samples


class _Maximum:
    """The largest value of each row of what it sees."""

    value: Tensor | None = None

    def see(self, values: Tensor) -> None:
        new = values.amax(1)
        self.value = new if self.value is None else torch.maximum(self.value, new)

    def end_pass(self) -> None:
        return


class _Rank:
    """The value of a rank in each row of what it sees, a digit of its bits a pass."""

    def __init__(self, percentile: float, above_zero: bool) -> None:
        self.percentile, self.above_zero = percentile, above_zero
        self.passed = 0
        self.bits: Tensor | None = None  # [rows], the digits found so far
        self.rank: Tensor | None = None  # [rows], counted from 1, among the values that begin with them
        self.counts: Tensor | None = None  # [rows, 2^width]

    def see(self, values: Tensor) -> None:
        shift, width = DIGITS[self.passed]
        bits = values.clamp(min=0).contiguous().view(torch.int32).long()  # a negative zero becomes a zero
        kept = bits > 0 if self.above_zero else torch.ones_like(bits, dtype=torch.bool)
        if self.bits is not None:
            kept &= bits >> (shift + width) == self.bits[:, None]
        digits = (bits >> shift & (1 << width) - 1) + torch.arange(len(bits), device=bits.device)[:, None] * (1 << width)
        new = torch.bincount(digits[kept], minlength=len(bits) << width).view(len(bits), -1)
        self.counts = new if self.counts is None else self.counts + new

    def end_pass(self) -> None:
        upto = self.counts.cumsum(1)
        if self.rank is None:
            self.rank = torch.tensor([max(1, ceil(round(self.percentile * n / 100, 6))) for n in upto[:, -1].tolist()])
            self.rank = self.rank.to(upto.device)
        digit = (upto < self.rank[:, None]).sum(1).clamp(max=upto.shape[1] - 1)
        self.rank = self.rank - (upto - self.counts).gather(1, digit[:, None])[:, 0]
        self.bits = digit if self.bits is None else self.bits << DIGITS[self.passed][1] | digit
        self.empty = upto[:, -1] == 0 if self.passed == 0 else self.empty
        self.counts, self.passed = None, self.passed + 1

    @property
    def value(self) -> Tensor:
        return self.bits.int().view(torch.float32).masked_fill(self.empty, 0.0)


def _ceiling(name: str, clipped: Clipped) -> Tensor:
    """What training made of a ceiling, if spikes can stand for it."""
    if not clipped.ceiling > 0:
        raise ValueError(
            f"calibrate: the ceiling of {name} must stay above 0 in training; got {clipped.ceiling.item():g}; "
            "train with a lower optimizer.lr"
        )
    return clipped.ceiling.detach()


def _positive(name: str, scale: Tensor, samples: int, percentile: float | None, over: str) -> Tensor:
    """A number, or one a channel, above 0."""
    if not bool((scale > 0).any()):
        what = "a maximum" if percentile is None else f"a {percentile:g} percentile of {over}"
        hint = "; set method.percentile_over=nonzero" if percentile is not None and over == "all" else ""
        raise ValueError(f"calibrate: {name} must be active on the calibration set; got {what} of 0, {samples} samples{hint}")
    scale = torch.where(scale > 0, scale, scale.max())
    return scale if scale.numel() > 1 else scale.reshape(())
