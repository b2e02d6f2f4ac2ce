"""Checks whether loaded weights belong to this network and these images, by the statistics that its batch norms have stored."""

from math import log

import torch
from torch import Tensor, nn

from snnx.norm.batch import Batch
from snnx.norm.foldable import is_batch_norm

FACTOR = 2.0
"""Largest ratio between the variance before a norm and the one it has stored, in the median over channels."""

ENOUGH = 50  # number of batches after which the initial value makes up 0.9^50 = 0.5 % of a norm's running variance


@torch.no_grad()
def require_fitting(network: nn.Module, images: Tensor) -> None:
    """Reject weights whose batch norms were trained on other values than they get now.

    A state dict does not say how the network was pooled or its images were normalised. With another pooling or normalisation it
    still loads, but the values before the first norms have another variance than the norms have stored, and the accuracy
    collapses. In a ResNet-18 with the stem's pooling that it was trained with, the variances differ by a few per cent; with
    another one, by a factor of 2.5 and more in at least one layer. The statistics of norms that were trained for fewer than 50
    batches still contain their initial values, so these norms are not checked.

    Args:
        network: takes `[1, B, C, H, W]`, in evaluation mode.
        images: `[B, C, H, W]`, a sample of the training images.

    Raises:
        ValueError: in a norm the ratio of variances is above 2 or below 1/2, in the median over channels.

    Example:
        >>> norm = nn.BatchNorm1d(2).eval()
        >>> norm.running_mean += 1
        >>> require_fitting(norm, torch.tensor([[0.0, 0.0], [4.0, 4.0]]))
        Traceback (most recent call last):
        ValueError: Conversion: loaded weights must fit the network and its images; got values before the norm with ...
    """
    ratios: dict[str, float] = {}

    def compare(name: str, norm: nn.Module, x: Tensor) -> None:
        x = x.flatten(0, 1) if isinstance(norm, Batch) else x  # our norm takes [T, B, C, *]
        seen = x.transpose(0, 1).flatten(1).float().var(1, correction=0)
        ratios[name] = ((seen + norm.eps) / (norm.running_var + norm.eps)).median().item()

    hooks = [
        module.register_forward_pre_hook(lambda norm, given, name=name: compare(name, norm, given[0]))
        for name, module in network.named_modules()
        if is_batch_norm(module) and _has_statistics(module)
    ]
    try:
        network(images[None] if images.ndim == 4 else images)
    finally:
        for hook in hooks:
            hook.remove()
    for name, ratio in ratios.items():  # in the order in which the norms run: the first wrong one is nearest to the cause
        if abs(log(ratio)) > log(FACTOR):
            raise ValueError(
                f"Conversion: loaded weights must fit the network and its images; got values before {name or 'the norm'} with "
                f"{ratio:.2g} times the variance that it has stored; choose the pooling, such as backbone.stem_pool, and "
                "dataset.normalize that the weights were trained with, or train on with trainer.max_epochs"
            )


def _has_statistics(norm: nn.Module) -> bool:
    """Whether a norm's variance is that of its training; files from before torch 0.4.1 lack the number of batches."""
    return norm.running_mean is not None and bool(norm.running_mean.any()) and not 0 < int(norm.num_batches_tracked) < ENOUGH
