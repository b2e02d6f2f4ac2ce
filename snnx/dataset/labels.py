"""Rejects samples and labels that do not fit their data set, or one another."""

from collections.abc import Mapping

from torch import Tensor


def require_labels(where: str, samples: Tensor, labels: Tensor, *, shape: tuple[int, ...], classes: int) -> None:
    """Reject samples of another shape, and labels that are not one class for each sample.

    Args:
        where: data set and part, with which a message begins.
        samples: `[N, *]`, a tensor or another object with a shape.
        labels: class of each sample, `[N]`.
        shape: shape of one sample.
        classes: number of classes.

    Raises:
        ValueError: they do not fit.

    Example:
        >>> import torch
        >>> require_labels("MNIST: test", torch.zeros(2, 1, 28, 28), torch.tensor([3, 10]), shape=(1, 28, 28), classes=10)
        Traceback (most recent call last):
        ValueError: MNIST: test labels must lie in 0..9; got 3 to 10
    """
    if tuple(samples.shape[1:]) != shape:
        raise ValueError(f"{where} images must be {shape}; got {tuple(samples.shape[1:])}")
    if labels.ndim != 1 or len(labels) != len(samples) or len(labels) == 0:
        raise ValueError(f"{where} must have a label for each image; got {len(samples)} images and {labels.numel()} labels")
    if not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"{where} labels must lie in 0..{classes - 1}; got {labels.min()} to {labels.max()}")


def require_trained_classes(name: str, counts: Mapping[str, Tensor]) -> None:
    """Reject a copy in which a class is missing from the training part only, for example because it was not unpacked.

    Args:
        name: data set, with which a message begins.
        counts: for each part, the number of samples of each class.

    Raises:
        ValueError: a class has no training sample, but samples in another part.
    """
    for part, found in counts.items():
        if untrained := ((counts["train"] == 0) & (found > 0)).nonzero().flatten().tolist():
            first = untrained[0]
            more = f", and {len(untrained) - 1} more such classes" if len(untrained) > 1 else ""
            raise ValueError(
                f"{name}: train must have samples of every class in {part}; got none of class {first}, of which {part} has "
                f"{found[first]}{more}: copy or unpack the data set again"
            )
