"""Measures the test accuracy of a ReLU network, to compare it with the spiking network that is converted from it."""

from torch import Tensor


class ANNAccuracy:
    """Counts which test samples the ReLU network classifies correctly.

        test/ann_acc = correct / samples        test/conversion_loss = test/ann_acc - test/acc

    Example:
        >>> import torch
        >>> ann = ANNAccuracy()
        >>> ann.see(torch.tensor([True, True, False, True]))
        {'test/ann_acc': tensor([ True,  True, False,  True])}
        >>> ann.scalars(acc=0.5)
        {'test/ann_acc': 0.75, 'test/conversion_loss': 0.25}
    """

    def __init__(self) -> None:
        self.correct: Tensor | int = 0
        self.samples = 0

    def see(self, correct: Tensor) -> dict[str, Tensor]:
        """Count a batch, and return it by the key of the accuracy that is its mean."""
        self.correct, self.samples = self.correct + correct.sum(), self.samples + len(correct)
        return {"test/ann_acc": correct}

    def scalars(self, acc: float) -> dict[str, float]:
        """Return both numbers, given the accuracy of the spiking network."""
        ann = float(self.correct) / self.samples
        return {"test/ann_acc": ann, "test/conversion_loss": ann - acc}
