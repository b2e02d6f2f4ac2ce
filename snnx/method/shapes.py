"""Checks the shapes that the parts of a method return, so that an error names the part that returns a wrong one."""

from torch import Tensor, nn


def require_input(encoding: nn.Module, encoded: Tensor, batch: int) -> None:
    """Reject an encoding that does not return `[T, B, ...]`.

    Raises:
        ValueError: the first two dimensions are not the encoding's steps and the size of the batch.
    """
    if tuple(encoded.shape[:2]) != (encoding.timesteps, batch):
        raise ValueError(
            f"{type(encoding).__name__}: must return the input of every step, [T, B, C, H, W], with T = {encoding.timesteps} "
            f"and B = {batch}; got {list(encoded.shape)}"
        )


def require_outputs(backbone: nn.Module, outputs: Tensor, batch: int) -> None:
    """Reject a backbone that does not return `[T, B, K]`.

    Raises:
        ValueError: there are not three dimensions, or the second is not the size of the batch.
    """
    if outputs.dim() != 3 or outputs.shape[1] != batch:
        raise ValueError(
            f"{type(backbone).__name__}: must return scores of every step, [T, B, K], with B = {batch}; "
            f"got {list(outputs.shape)}"
        )


def require_scores(decoding: object, scores: Tensor, outputs: Tensor) -> None:
    """Reject a decoding that does not return `[B, K]`.

    Raises:
        ValueError: the shape is not that of one step of the outputs.
    """
    if scores.shape != outputs.shape[1:]:
        raise ValueError(
            f"{type(decoding).__name__}: must return one score for each sample and class, [B, K] = {list(outputs.shape[1:])}; "
            f"got {list(scores.shape)}"
        )
