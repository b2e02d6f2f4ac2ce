"""The base of schedules that fall from the full learning rate to a last one, after an optional linear warm-up."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Decay(LambdaLR):
    """Multiplies the learning rate by a factor that rises during the warm-up and then falls; it is stepped after every batch.

        factor[n] = start + (1 - start) * n/W                            n < W = warmup * total_steps
        factor[n] = end + (1 - end) * shape((n - W)/(total_steps - W))   n >= W

    A subclass writes `shape`, which falls from 1 to 0 while its argument rises from 0 to 1.

    Args:
        optimizer: the optimizer whose learning rates it sets.
        total_steps: number of batches in the whole training.
        warmup: share of the steps in which the factor rises linearly from `start` to 1, in [0, 1).
        start: factor at the first step of the warm-up.
        end: factor at the end of the training.

    Raises:
        ValueError: `warmup` is outside [0, 1).
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: int, *, warmup: float = 0.0, start: float = 0.0, end: float = 0.0
    ) -> None:
        if not 0 <= warmup < 1:
            raise ValueError(f"{type(self).__name__}: warmup must be a share of the steps in [0, 1); got {warmup}")
        warm = warmup * total_steps

        def factor(step: int) -> float:
            if step < warm:
                return start + (1 - start) * step / warm
            return end + (1 - end) * self.shape(min(1.0, (step - warm) / max(1.0, total_steps - warm)))

        super().__init__(optimizer, factor)

    def shape(self, progress: float) -> float:
        """Return the share of the fall that is left after a share of the steps."""
        raise NotImplementedError(f"{type(self).__name__} must implement shape(progress)")
