"""Lets a kernel compute the batch norm in front of a layer: the statistics become one scale and one shift for each channel."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnx.neuron.kernel.layout import dense
from snnx.neuron.kernel.statistics import statistics

CONTRACTING = ("AVX2", "AVX512")
"""The instructions of a CPU with which torch's batch norm rounds a product and a sum once, as our kernels do."""


class Affine(NamedTuple):
    """What a kernel does to each input: `scale * x + shift`, rounded once, with the two values of its channel."""

    scale: Tensor
    """float32, one for each channel."""
    shift: Tensor
    inner: int
    """How many values that follow one another in memory belong to the same channel: H*W, or 1 in channels_last."""


def prepared(node: nn.Module, x: Tensor) -> tuple[Tensor, Affine | None, Tensor | None]:
    """Return the input of a layer's kernel, the scale and shift of the norm that it computes, and the shortcut that it adds.

    The last two are `None` if the layer computes none.

    A norm whose arithmetic a kernel does not repeat, such as that of float16 or any on a CPU without AVX2, is computed here by
    torch; so is one of a single value per channel, which torch rejects in training.
    """
    if node.norm is None:
        return x, None, None
    norm, behind, residual = node.norm
    plain = x.dtype in (torch.float32, torch.bfloat16) and dense(x) and repeatable(x.device)
    alone = x.numel() == norm.num_features  # torch reports that a single value has no variance
    if not plain or alone or any(number.dtype != torch.float32 for number in norm.parameters()):
        return node.normalised(x), None, None
    shortcut = None if residual is None else residual.fetch()
    if residual is not None and shortcut is None:  # the sum was computed before
        return x, None, None
    return *measured(norm, x, behind), shortcut


def repeatable(device: torch.device) -> bool:
    """Whether a kernel on this device repeats the arithmetic of torch's batch norm; on a CPU its instructions decide."""
    return device.type != "cpu" or torch.backends.cpu.get_cpu_capability() in CONTRACTING


def measured(norm: nn.BatchNorm2d, x: Tensor, behind: int) -> tuple[Tensor, Affine]:
    """Measure mean and variance of each channel of `x` as `norm` does, and return what turns `x` into the norm's output.

        scale = gamma / sqrt(var + eps)             shift = beta - mean * scale

    The first result has the values of `x`, and in backward it receives the gradient of the norm's output. In training, the
    running statistics are updated, as `norm` does it. Each number is rounded as torch rounds it on a CPU. `behind` is the
    number of dimensions of `x` behind the channels.
    """
    flat = x.flatten(0, -2 - behind)  # [T*B, C, *], as the norm sees it
    own = norm.training or norm.running_mean is None
    running = (norm.running_mean, norm.running_var) if not norm.training or norm.track_running_stats else (None, None)
    with torch.no_grad():
        if own:
            tracked = norm.training and norm.num_batches_tracked is not None
            if tracked:
                norm.num_batches_tracked.add_(1)
            momentum = 1.0 / float(norm.num_batches_tracked) if tracked and norm.momentum is None else norm.momentum or 0.0
            mean, var = statistics(flat, *running, momentum)
            invstd = (1 / torch.sqrt(var.double() + norm.eps)).float()
        else:
            mean, var = running
            invstd = torch.rsqrt(var + norm.eps)
        scale = invstd if norm.weight is None else norm.weight * invstd
        shift = (-mean.double() * scale.double() + (0.0 if norm.bias is None else norm.bias.double())).float()
    passed = _Gradient.apply(flat, norm.weight, norm.bias, *running, mean, invstd, own, norm.eps)
    return passed.view(x.shape), Affine(scale, shift, max(1, flat.stride(1)))


class _Gradient(torch.autograd.Function):
    """Returns its input; its backward is that of the norm."""

    @staticmethod
    def forward(ctx, x, weight, bias, running_mean, running_var, mean, invstd, own, eps):
        ctx.save_for_backward(x, weight, running_mean, running_var, mean, invstd)
        ctx.own, ctx.eps = own, eps
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        wanted = list(ctx.needs_input_grad[:3])
        norm_backward = torch.ops.aten.native_batch_norm_backward
        return *norm_backward(grad, *ctx.saved_tensors, ctx.own, ctx.eps, wanted), *[None] * 6
