"""Computes the scale of each activation over a calibration set: the maximum, or an exact percentile in constant memory."""

from collections.abc import Callable, Iterable
from math import ceil
from typing import Literal

import torch
from torch import Tensor, nn

from snnx.conversion.links import ACTIVATIONS
from snnx.layer.clipped import Clipped

DIGITS = ((20, 11), (10, 10), (0, 10))  # shift and width of three groups of bits, most significant first, of a positive float


@torch.no_grad()
def calibrate(
    network: nn.Module,
    batches: Callable[[], Iterable[Tensor]],
    *,
    percentile: float | None = None,
    over: Literal["nonzero", "all"] = "nonzero",
    per_channel: bool = False,
) -> dict[str, Tensor]:
    """Return the scale of each activation by its name: one number per layer, or one per channel.

        scale = max of the activations                                          percentile None
        scale = the k-th smallest of the n activations, k = ceil(percentile/100 * n)

    The percentile is the exact order statistic of all activations of the set in float32, not an average over batches. Positive
    floats have the same order as their bits. Three passes over the set find the value: each pass determines some of its bits by
    counting, with 2,048 counters per channel, however large the set is. The scale of a `Clipped` activation is its ceiling;
    its outputs are checked too, so that a layer whose outputs are all rounded to 0 is rejected. A channel that is never active
    on the set gets the largest scale of its layer.

    Args:
        network: takes `[1, B, C, H, W]` and has no spiking neurons.
        batches: each call returns the images `[B, C, H, W]` of the set, every time the same.
        percentile: in (0, 100]; `None` takes the maximum.
        over: whether the percentile is of the `nonzero` activations or of `all`.
        per_channel: whether each channel gets a scale, instead of each layer.

    Raises:
        ValueError: `percentile` or `over` is not allowed, the set is empty, or an activation is never above 0 or has no scale
            above 0.

    Source: Rueckauer et al., 2017. SpikingJelly's hook averages over batches instead, and counts zeros too.

    Example:
        >>> net, images = nn.Sequential(nn.ReLU()), [torch.tensor([[-1.0, 1.0], [2.0, 3.0]]), torch.tensor([[0.0, 4.0]])]
        >>> ways = [{}, {"percentile": 50, "over": "all"}, {"percentile": 50, "over": "nonzero"}]
        >>> [calibrate(net, lambda: images, **way)["0"].item() for way in ways]
        [4.0, 1.0, 2.0]
    """
    if percentile is not None and not 0 < percentile <= 100:
        raise ValueError(f"calibrate: percentile must be in (0, 100], or null for the maximum; got {percentile}")
    if over not in ("nonzero", "all"):
        raise ValueError(f"calibrate: over must be nonzero or all; got {over}")
    layers = {name: module for name, module in network.named_modules() if isinstance(module, ACTIVATIONS)}
    ranked = {name for name, module in layers.items() if percentile is not None and not isinstance(module, Clipped)}
    found = {name: _Rank(percentile, over == "nonzero") if name in ranked else _Maximum() for name in layers}
    for _ in range(len(DIGITS) if ranked else 1):
        samples = _watch(network, layers, found, batches, per_channel)
        for one in found.values():
            one.end_pass()
    return {
        name: _ceiling(name, module, found[name].value, samples)
        if isinstance(module, Clipped)
        else _positive(name, found[name].value, samples, percentile, over)
        for name, module in layers.items()
    }


def _watch(network: nn.Module, layers: dict, found: dict, batches: Callable, per_channel: bool) -> int:
    """Pass every activation of the set to the object that computes its scale; return the number of samples."""

    def see(name: str, y: Tensor) -> None:
        # [1, B, C, *] to [C, values]
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
        raise ValueError("Conversion: the calibration set must have at least one sample; got none")
    return samples


class _Maximum:
    """The largest value of each row."""

    value: Tensor | None = None

    def see(self, values: Tensor) -> None:
        new = values.amax(1)
        self.value = new if self.value is None else torch.maximum(self.value, new)

    def end_pass(self) -> None:
        return


class _Rank:
    """Finds the k-th smallest value of each row; every pass determines more of its bits."""

    def __init__(self, percentile: float, above_zero: bool) -> None:
        self.percentile, self.above_zero = percentile, above_zero
        self.passed = 0
        self.bits: Tensor | None = None  # [rows], the digits that are known so far
        self.rank: Tensor | None = None  # [rows], from 1, among the values that begin with these digits
        self.counts: Tensor | None = None  # [rows, 2^width]

    def see(self, values: Tensor) -> None:
        shift, width = DIGITS[self.passed]
        bits = values.clamp(min=0).contiguous().view(torch.int32).long()  # turns -0.0 into 0.0, too
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


def _ceiling(name: str, clipped: Clipped, largest: Tensor, samples: int) -> Tensor:
    """Return the learned ceiling of a clipped activation; reject one that is not above 0, or that rounds every output to 0."""
    if not clipped.ceiling > 0:
        raise ValueError(
            f"Clipped: the learned ceiling of {name} must stay above 0; got {clipped.ceiling.item():g}; "
            "train with a lower optimizer.lr"
        )
    if not bool((largest > 0).any()):
        raise ValueError(
            f"Clipped: {name} must be active on the calibration set; got 0 for all {samples} samples, since its ceiling of "
            f"{clipped.ceiling.item():g} rounds them down; lower method.ceiling"
        )
    return clipped.ceiling.detach()


def _positive(name: str, scale: Tensor, samples: int, percentile: float | None, over: str) -> Tensor:
    """Return a scale as one number, or one per channel; reject a layer that is never active."""
    if not bool((scale > 0).any()):
        what = "a maximum" if percentile is None else f"a {percentile:g} percentile of {over}"
        hint = "; set method.percentile_over=nonzero" if percentile is not None and over == "all" else ""
        raise ValueError(
            f"Conversion: {name} must be active on the calibration set; got {what} of 0 over {samples} samples{hint}"
        )
    scale = torch.where(scale > 0, scale, scale.max())
    return scale if scale.numel() > 1 else scale.reshape(())
