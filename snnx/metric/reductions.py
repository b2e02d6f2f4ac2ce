"""What metrics have measured of a test: reduced over samples while it runs, and worked out at its end."""

import torch
from torch import Tensor

from snnx.metric.drawn_curves import HISTOGRAMS, PICTURES
from snnx.metric.metric import Metric, Table

KINDS = ("test", "correct", "wrong", "train")
"""Of what a curve is: of the whole test set, of a sample that is classified rightly, of one wrongly, of training."""


class Reductions:
    """Running reductions over the test set, and the columns of one rightly and one wrongly classified sample.

    After each batch `end_batch` says which samples were classified rightly. The first right and the first wrong sample in the
    order of the set are the examples.

    Args:
        metrics: what is measured.

    Attributes:
        neurons: of each neuron layer, per sample: the weights of a mean over layers.
        outputs: the same for places of the read-out, which have a weight in the curves of a read-out only: another metric may
            call a layer by the same name.
        samples: places of the examples in the order of the test.
    """

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics
        self.neurons: dict[str, int] = {}
        self.outputs: dict[str, dict[str, int]] = {}  # curve -> place -> neurons
        self.samples: dict[str, int | None] = {"correct": None, "wrong": None}
        self._batch: dict[str, Table] = {}  # curve -> layer -> [T, B], of the batch that is running
        self._kept: dict[str, dict[str, Table]] = {"test": {}, "correct": {}, "wrong": {}}
        self._seen = 0
        self._later = False  # whether a piece of the batch's time has been seen

    def next_piece(self) -> None:
        """What comes now are later steps of the same batch: their curves go on where those of the steps before ended."""
        self._later = True

    def _put(self, curve: str, places: Table) -> None:
        table = self._batch.setdefault(curve, {})
        for place, values in places.items():
            table[place] = torch.cat([table[place], values]) if self._later and place in table else values

    def end_batch(self, correct: Tensor) -> None:
        """Close a batch of `B` samples: `correct[b]` says whether sample `b` was classified rightly."""
        size = len(correct)
        over_samples = {curve: how for metric in self.metrics for curve, how in metric.over_samples.items()}
        for kind, mask in (("correct", correct), ("wrong", ~correct)):
            if self.samples[kind] is None and bool(mask.any()):
                column = int(mask.int().argmax())
                self.samples[kind] = self._seen + column
                shown = {c: t for c, t in self._batch.items() if kind == "correct" or over_samples[c] != "example"}
                self._kept[kind] = {c: {k: v[:, column] for k, v in t.items()} for c, t in shown.items()}
        for curve, table in self._batch.items():
            if over_samples[curve] == "example":
                continue
            kept = self._kept["test"].setdefault(curve, {})
            for layer, values in table.items():
                if over_samples[curve] == "max":
                    new = values.amax(1)
                    kept[layer] = torch.maximum(kept[layer], new) if layer in kept else new
                else:
                    new = values.double().sum(1)
                    kept[layer] = kept[layer] + new if layer in kept else new
        self._batch = {}
        self._seen += size

    def curves(self, kind: str) -> dict[str, Table]:
        """Curve name to layer to `[T]`, of the whole test set (`test`), of one sample (`correct`, `wrong`) or of training."""
        return {curve: table for metric in self.metrics for curve, table in self.curves_of(metric, kind).items()}

    def curves_of(self, metric: Metric, kind: str) -> dict[str, Table]:
        """The curves of one metric."""
        if kind == "train":
            return metric.gathered()
        kept = {curve: table for curve, table in self._kept[kind].items() if curve in metric.over_samples}
        if kind == "test":
            means = {curve for curve, how in metric.over_samples.items() if how == "mean"}
            kept = {c: {k: v / self._seen if c in means else v for k, v in t.items()} for c, t in kept.items()}
        return metric.finish(kept) if kept else {}

    def scalars(self) -> dict[str, float]:
        """`kind/curve` over the watched layers (a mean weighted by neurons, or the maximum) and `kind/curve_extra`."""
        found: dict[str, float] = {}
        for kind in KINDS:
            for metric in self.metrics:
                for curve, table in self.curves_of(metric, kind).items():
                    if curve in HISTOGRAMS or curve in PICTURES:
                        continue
                    how = metric.over_time.get(curve) or metric.over_samples.get(curve, "mean")
                    found[f"{kind}/{curve}"] = self._total(curve, table, how)
                    extra = metric.extra(curve, table)
                    found |= {f"{kind}/{curve}_{suffix}": value for suffix, value in extra.items()}
        return found

    def _total(self, curve: str, table: Table, how: str) -> float:
        if how == "max":
            return max(float(values.max()) for values in table.values())
        if how == "last":
            return sum(float(values[-1]) for values in table.values())
        known = {**self.neurons, **self.outputs.get(curve, {})}
        weights = {layer: known.get(layer, 1) for layer in table}
        return sum(float(v.mean()) * weights[layer] for layer, v in table.items()) / sum(weights.values())
