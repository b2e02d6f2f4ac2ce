"""Folds average pooling into the layer after it, so that only spikes travel between layers."""

import copy
from collections import Counter
from math import prod

import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn

from snnx.init.standardised import make_plain


@torch.no_grad()
def fold_average_pooling(network: nn.Module, in_shape: tuple[int, int, int]) -> nn.Module:
    """Return a copy of `network` for inference with the same outputs, in which no layer receives an average of spikes.

        conv(mean over r x r; w, stride s, padding p)  =  conv(w', stride r*s, padding r*p),   w' = each w repeated r x r, / r^2

    A linear layer on flattened maps is widened in the same way. The following poolings stay, and so does the layer after them:
    poolings that overlap, pad, are not square or have `divisor_override`; poolings that several layers read or that run more
    than once; and poolings followed by a convolution with dilation, with padding given by name, or padded with other values
    than 0. ResNet therefore stays as it is: the pooling in its stem overlaps, and the mean at its end is not a pooling layer.

    Args:
        network: a backbone for `[T, B, C, H, W]`.
        in_shape: `(C, H, W)` of its input; one image of zeros is passed through it to find sizes and the order of layers.

    Raises:
        ValueError: the side of a pooled map is not a multiple of the window, so that the pooling drops a row or column.

    Source: ETTFS, section III, which prefers average to max pooling. The paper does not say how to avoid sending fractions of
        spikes; folding is our way.

    Example:
        >>> from snnx.backbone.scnn import SCNN
        >>> from snnx.neuron.ttfs import TTFS
        >>> folded = fold_average_pooling(SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=10), (1, 28, 28))
        >>> folded.features.conv2[0], folded.classifier.fc1
        (Conv2d(16, 32, kernel_size=(10, 10), stride=(2, 2)), Linear(in_features=2048, out_features=800, bias=True))
    """
    folded = copy.deepcopy(network).eval()
    make_plain(folded)
    for pool, size, reader in _pooled(folded, in_shape):
        side, _ = _pair(pool.kernel_size)
        if size[1] % side or size[2] % side:
            raise ValueError(f"fold_average_pooling: {side} must divide the sides of the pooled map; got {size[1]}x{size[2]}")
        wide = _wide_conv(reader, side) if isinstance(reader, nn.Conv2d) else _wide_linear(reader, side, size)
        _replace(folded, reader, wide)
        _replace(folded, pool, nn.Identity())
    return folded


PASSED = (nn.Identity, nn.Flatten, nn.Dropout, nn.Dropout2d)
"""Layers that pass a mean of spikes on unchanged in a test."""


def _pooled(network: nn.Module, in_shape: tuple[int, int, int]) -> list[tuple[nn.AvgPool2d, torch.Size, nn.Module]]:
    """Return each pooling that can be folded, the `(C, H, W)` of its input, and the only layer that reads its output."""
    ran: list[tuple[nn.Module, Tensor, Tensor]] = []  # keeps the tensors, so that no two share an address
    watched = [m for m in network.modules() if isinstance(m, MemoryModule) or not (any(m.children()) or isinstance(m, PASSED))]
    hooks = [m.register_forward_hook(lambda m, given, made: ran.append((m, given[0], made))) for m in watched]
    dtype = next(network.parameters()).dtype
    functional.reset_net(network)
    network(torch.zeros(1, 1, *in_shape, dtype=dtype))
    functional.reset_net(network)
    for hook in hooks:
        hook.remove()
    runs = Counter(module for module, _, _ in ran)
    found = []
    for pool, given, means in ran:
        if isinstance(pool, nn.AvgPool2d) and _tiles(pool):
            readers = [module for module, read, _ in ran if _memory(read) == _memory(means)]
            if len(readers) == 1 and runs[pool] == runs[readers[0]] == 1 and _reads_plainly(readers[0]):
                found.append((pool, given.shape[1:], readers[0]))
    return found


def _memory(values: Tensor) -> int:
    """Return the address of the memory that a tensor shares with all its views."""
    return values.untyped_storage().data_ptr()


def _tiles(pool: nn.AvgPool2d) -> bool:
    """Return whether a pooling takes means of squares that lie side by side."""
    rows, columns = _pair(pool.kernel_size)
    tiled = rows == columns and _pair(pool.stride) == (rows, rows) and _pair(pool.padding) == (0, 0)
    return tiled and not pool.divisor_override


def _reads_plainly(reader: nn.Module) -> bool:
    """Return whether the weights of a layer can be widened, which dilation and padding other than zeros prevent."""
    if isinstance(reader, nn.Conv2d):
        return reader.dilation == (1, 1) and reader.padding_mode == "zeros" and not isinstance(reader.padding, str)
    return isinstance(reader, nn.Linear)  # a neuron, norm or another pooling cannot be widened


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _spread(weight: Tensor, side: int) -> Tensor:
    """Repeat every weight of `[..., h, w]` over a window of `side` x `side`, divided by the number of its pixels."""
    return weight.repeat_interleave(side, -2).repeat_interleave(side, -1) / side**2


def _wide_conv(conv: nn.Conv2d, side: int) -> nn.Conv2d:
    sides = {name: tuple(side * n for n in getattr(conv, name)) for name in ("kernel_size", "stride", "padding")}
    wide = nn.Conv2d(conv.in_channels, conv.out_channels, **sides, groups=conv.groups, bias=conv.bias is not None)
    wide.weight, wide.bias = nn.Parameter(_spread(conv.weight, side)), conv.bias
    return wide


def _wide_linear(linear: nn.Linear, side: int, size: torch.Size) -> nn.Linear:
    maps = linear.weight.view(linear.out_features, size[0], size[1] // side, size[2] // side)
    wide = nn.Linear(prod(size), linear.out_features, bias=linear.bias is not None)
    wide.weight, wide.bias = nn.Parameter(_spread(maps, side).flatten(1)), linear.bias
    return wide


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for parent in network.modules():
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
