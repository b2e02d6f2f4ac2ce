"""Tells which norms can be folded into the layer before them."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import Norm


def is_batch_norm(module: nn.Module) -> bool:
    """Return whether a module is torch's batch norm or `Batch`; a subclass with its own `forward` is neither.

    Example:
        >>> class Doubled(Batch):
        ...     def forward(self, x):
        ...         return 2 * super().forward(x)
        >>> is_batch_norm(Batch(3)), is_batch_norm(nn.BatchNorm1d(3)), is_batch_norm(Doubled(3))
        (True, True, False)
    """
    return isinstance(module, _BatchNorm) and type(module).forward in (Batch.forward, _BatchNorm.forward)


def is_foldable(module: nn.Module) -> bool:
    """Return whether a norm can be folded into the layer before it: batch norm, or no norm.

    In a test, a batch norm scales and shifts each channel by constants that are the same at every step, so the weights and bias
    of the layer before it can include them.
    """
    return isinstance(module, NoNorm | nn.Identity) or is_batch_norm(module)


def require_foldable(network: nn.Module, *, who: str) -> None:
    """Reject a network that has a norm other than batch norm.

    Args:
        network: a backbone.
        who: class or option that needs this, with which the message begins.

    Raises:
        ValueError: the network has such a norm.

    Example:
        >>> class Halved(Norm):
        ...     pass
        >>> require_foldable(nn.Sequential(nn.Linear(2, 3), Halved()), who="Energy")
        Traceback (most recent call last):
        ValueError: Energy: norm must be batch, one derived from it without a forward of its own, or none; got Halved ...
    """
    for name, module in network.named_modules():
        if isinstance(module, Norm) and not is_foldable(module):
            raise ValueError(
                f"{who}: norm must be batch, one derived from it without a forward of its own, or none; "
                f"got {type(module).__name__} in {name}, which cannot be folded; set norm=batch"
            )
