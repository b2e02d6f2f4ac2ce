"""Which norms scale and shift each channel in a test, alike at every step, so that the layer before can take them in."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import Norm


def is_batch_norm(module: nn.Module) -> bool:
    """Whether it is torch's batch norm or ours. A subclass that computes something of its own is another norm.

    Example:
        >>> class Doubled(Batch):
        ...     def forward(self, x):
        ...         return 2 * super().forward(x)
        >>> is_batch_norm(Batch(3)), is_batch_norm(nn.BatchNorm1d(3)), is_batch_norm(Doubled(3))
        (True, True, False)
    """
    return isinstance(module, _BatchNorm) and type(module).forward in (Batch.forward, _BatchNorm.forward)


def is_foldable(module: nn.Module) -> bool:
    """Whether it is a batch norm, or none."""
    return isinstance(module, NoNorm | nn.Identity) or is_batch_norm(module)


def require_foldable(network: nn.Module, *, who: str) -> None:
    """Refuse a norm that the layer before it cannot take in.

    Args:
        network: a backbone.
        who: begins the message.

    Raises:
        ValueError: one of its norms is neither batch norm nor none.

    Example:
        >>> class Halved(Norm):
        ...     pass
        >>> require_foldable(nn.Sequential(nn.Linear(2, 3), Halved()), who="Conversion")
        Traceback (most recent call last):
        ValueError: Conversion: norm must be batch or none, which the layer before can take in; got Halved in 1: set norm=batch
    """
    for name, module in network.named_modules():
        if isinstance(module, Norm) and not is_foldable(module):
            raise ValueError(
                f"{who}: norm must be batch or none, which the layer before can take in; got {type(module).__name__} in "
                f"{name}: set norm=batch"
            )
