"""Splits samples into class-balanced parts, which are the same on all machines and for all seeds of runs."""

import hashlib
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def balanced_order(labels: Tensor, seed: int) -> Tensor:
    """Return a random permutation of all samples in which each prefix has the classes in their overall proportion.

    The j-th of the n_c samples of class c, in random order, gets the position (j + 1/2) / n_c; sorting by position
    interleaves the classes evenly. So any prefix is a stratified sample, and so is the remainder.

    Shape:
        `[N] -> [N]`, int64.

    Args:
        labels: classes, on the CPU.
        seed: seed of the permutation.

    Example:
        >>> labels = torch.tensor([0, 0, 0, 0, 1, 1])
        >>> [labels[balanced_order(labels, seed=0)[:k]].sum().item() for k in range(7)]  # samples of class 1 among k
        [0, 0, 1, 1, 1, 2, 2]
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    sizes = labels.bincount()
    size = sizes[labels[by_class]]
    rank = torch.arange(len(labels)) - (sizes.cumsum(0) - sizes)[labels[by_class]]
    position = torch.empty(len(labels), dtype=torch.float64)
    position[by_class] = (rank + 0.5) / size.double()
    return shuffled[position[shuffled].argsort(stable=True)]  # ties are broken by the shuffle, not by the class


def fingerprint(indices: Iterable[Tensor], names: Iterable[str] = ()) -> str:
    """Return a digest of the index tensors and of the names of the files that they index, 12 hexadecimal digits.

    Example:
        >>> a, b = torch.tensor([0, 1]), torch.tensor([2])
        >>> fingerprint([a, b]) == fingerprint([b, a])
        False
        >>> fingerprint([a], ["1.bin", "2.bin"]) == fingerprint([a], ["1.bin", "3.bin"])
        False
    """
    digest = hashlib.sha256()
    for index in indices:
        digest.update(f"{len(index)}:".encode())
        digest.update(index.cpu().numpy().astype("<i8").tobytes())
    for name in names:
        digest.update(f"{name}\n".encode())
    return digest.hexdigest()[:12]


def numbered(groups: Sequence[str], index: Tensor) -> list[int]:
    """Return for each of these samples the number of its group; groups are numbered from 0 in the order in which they occur.

    Example:
        >>> numbered(["ann", "bob", "ann", "cy"], torch.tensor([1, 2, 3, 0]))
        [0, 1, 2, 1]
    """
    number: dict[str, int] = {}
    return [number.setdefault(groups[place], len(number)) for place in index.tolist()]
