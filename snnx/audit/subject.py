"""The network and the samples that an audit checks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from spikingjelly.activation_based import functional
from torch import Tensor

from snnx.dataset.labelled import Labelled
from snnx.method.base import Method

SAMPLES = 256


class Subject:
    """A network in evaluation mode and up to 256 test samples, evenly spaced in the test set; all on the CPU and in float64.

    In float64, rounding practically never decides whether a neuron fires, so two orders of the same sums give the same spikes.

    A random encoding draws its numbers by the places of the samples; see `Encoding.next_places`. An encoding that ignores the
    places is called once on all samples; `scores` then reuses each sample's spikes in every batch.

    Args:
        method: the method with its trained weights. If it converts its network in a test, it must have been tested.
        data: the data set, after `setup`.

    Attributes:
        images, labels: the samples, `[N, *]` as the network receives them, and `[N]`; N is `SAMPLES`, or the size of the test
            set if that is smaller.
        everything: the numbers of all samples, 0 to N - 1.
        places: their places in the test set, `[N]`.
        draws: whether the encoding draws random numbers and ignores the places of the samples.
    """

    @torch.inference_mode()  # the test before it ran in this mode, and its tensors can only be used in the same mode
    def __init__(self, method: Method, data: Labelled) -> None:
        method.trainer = None  # without a trainer, `forward` of a converted network simulates spikes
        self.method = method.eval().cpu().double()
        method.tested.eval().cpu().double()
        self.data = data
        test = data.test_dataloader()
        chosen = torch.linspace(0, len(test.labels) - 1, min(SAMPLES, len(test.labels))).long()
        place = chosen.to(test.labels.device)  # images that stay in a file, and their labels, are not on the GPU
        images, labels = (some[place].to(data.device) for some in (test.images, test.labels))
        images, labels = data.on_after_batch_transfer((images, labels), 0)
        self.images, self.labels = images.cpu().double(), labels.cpu()
        self.everything = torch.arange(len(labels))
        self.places = chosen
        self._encoded: list[Tensor] = []  # all samples encoded, `[T, N, *]`, one entry for each call of the encoding
        self.draws = self._draws()
        if self.draws:
            with self.encoding_changed(self._encoded.append):
                self.tested()

    def scores(self, order: Tensor, size: int) -> Tensor:
        """Return the scores `[len(order), K]` of samples in this order, computed in batches of this size."""
        self.method.encoding.begin_evaluation()
        return torch.cat([self._scores_of(part) for part in order.split(size)])

    def tested(self) -> Tensor:
        """Return the scores of all samples in one batch, with the random numbers that a test would draw."""
        self.method.encoding.begin_evaluation()
        return self._forward(self.everything)

    @contextmanager
    def encoding_changed(self, change: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
        """Within this context, the network receives `change(encoded)`, or `encoded` itself if the change returns `None`."""
        hook = self.method.encoding.register_forward_hook(lambda encoding, images, encoded: change(encoded))
        try:
            yield
        finally:
            hook.remove()

    def _scores_of(self, part: Tensor) -> Tensor:
        if not self.draws:
            return self._forward(part)
        calls = iter(self._encoded)
        with self.encoding_changed(lambda _: next(calls)[:, part]):
            return self._forward(part)

    def _forward(self, part: Tensor) -> Tensor:
        self.method.encoding.next_places(self.places[part])
        with torch.inference_mode():
            return self.method(self.images[part])

    def _draws(self) -> bool:
        self.method.encoding.begin_evaluation()
        found = []
        for _ in range(2):
            functional.reset_net(self.method.encoding)
            self.method.encoding.next_places(self.places[:8])
            found.append(self.method.encoding(self.images[:8]))
        return not torch.equal(*found)
