"""Finds the tensors in the arguments and results of an operation."""

from torch import Tensor
from torch.utils._pytree import tree_leaves


def tensors_in(*values: object) -> list[Tensor]:
    """Return all tensors of nested tuples, lists and dicts.

    Example:
        >>> import torch
        >>> [x.item() for x in tensors_in((torch.tensor(1), [2, {"bias": torch.tensor(3)}]), None)]
        [1, 3]
    """
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
