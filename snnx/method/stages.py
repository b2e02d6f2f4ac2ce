"""Decides when the next layer of a network is replaced in a progressive training."""

import torch
from torch import nn


class Stages(nn.Module):
    """Counts the stages of a training in which layers are replaced one after another, from the first on.

        stage 0:             no layer is replaced
        stage k, 1 to L:     layers 1 to k are replaced, and the first k - 1 are frozen
        stage L + 1:         all layers are replaced and frozen; what comes after them continues to learn

    Stage 0 has the first `source` share of the epochs, but leaves one epoch for each layer if it can. A later stage ends when
    the validation accuracy has not improved for `patience` epochs in it, and at the latest after its share of the epochs that
    are left, so that every layer gets its turn:

        share = (epochs left when the stage begins) / (stages left)            rounded down, at least 1

    All counts are buffers, which a checkpoint stores. So a resumed training continues in the stage of the interruption.

    Args:
        layers: number L of layers, at least 1.
        source: share of the epochs of stage 0, in [0, 1).
        patience: epochs, at least 1.

    Example:
        >>> stages = Stages(layers=2, source=0.4, patience=2)
        >>> began = []
        >>> for epoch, accuracy in enumerate([0.5, 0.6, 0.8, 0.7, 0.7, 0.6, 0.9, 0.9]):     # of each validation
        ...     if stages.ends(epoch, epochs=8):
        ...         stages.begin(epoch)
        ...     began.append(int(stages.stage))
        ...     stages.see(accuracy)
        >>> began                                                  # 5 // 3 epochs for layer 1, then 4 // 2 for layer 2
        [0, 0, 0, 1, 2, 2, 3, 3]
    """

    def __init__(self, *, layers: int, source: float, patience: int) -> None:
        super().__init__()
        self.layers, self.source, self.patience = layers, source, patience
        self.register_buffer("stage", torch.zeros((), dtype=torch.long))
        self.register_buffer("began", torch.zeros((), dtype=torch.long))
        self.register_buffer("best", torch.tensor(-1.0, dtype=torch.float64))
        self.register_buffer("waited", torch.zeros((), dtype=torch.long))

    @property
    def replaced(self) -> int:
        """Number of layers that are replaced."""
        return min(int(self.stage), self.layers)

    @property
    def frozen(self) -> int:
        """Number of layers that do not learn any more."""
        return max(0, int(self.stage) - 1)

    def least_epochs(self) -> int:
        """Return the number of epochs that a training needs so that every layer is replaced."""
        return bool(self.source) + self.layers

    def ends(self, epoch: int, *, epochs: int) -> bool:
        """Return whether the stage is over before this epoch, which is counted from 0."""
        stage, spent = int(self.stage), epoch - int(self.began)
        if stage > self.layers:
            return False
        if not stage:
            return epoch >= (min(max(1, round(self.source * epochs)), max(1, epochs - self.layers)) if self.source else 0)
        share = (epochs - int(self.began)) // (self.layers + 2 - stage)
        return int(self.waited) >= self.patience or spent >= max(1, share)

    def begin(self, epoch: int) -> None:
        """Begin the next stage with this epoch."""
        self.stage += 1
        self.began.fill_(epoch)
        self.best.fill_(-1.0)
        self.waited.zero_()

    def see(self, accuracy: float) -> None:
        """Count a validation."""
        if accuracy > self.best:
            self.best.fill_(accuracy)
            self.waited.zero_()
        else:
            self.waited += 1
