"""Reduces what the metrics measured over the samples of a test, while it runs, and computes the final numbers at its end."""

import torch
from torch import Tensor

from snnx.metric.drawn_curves import HISTOGRAMS, PICTURES
from snnx.metric.metric import Metric, Table

KINDS = ("test", "correct", "wrong", "train")
"""The samples of a curve: the whole test set, the correctly classified example, the wrongly classified one, or the training."""


class Reductions:
    """Running reductions over the test set, and the curves of one correctly and one wrongly classified sample.

    After each batch, `end_batch` is told which samples were classified correctly. The examples are the first correct and the
    first wrong sample in the order of the test set.

    Args:
        metrics: the metrics to measure.

    Attributes:
        neurons: number of neurons of each neuron layer, which are the weights of means over layers.
        outputs: number of outputs, by curve and place, for curves of the network's output; kept apart from `neurons` because
            another metric may have a layer of the same name.
        samples: index of each example in the test set; `None` if there was none yet.

    Example:
        >>> from snnx.metric.firing_rate import FiringRate
        >>> reductions = Reductions([FiringRate()])
        >>> reductions._put("firing_rate", {"sn": torch.tensor([[0.25, 0.75]])})      # one step, two samples
        >>> reductions.end_batch(torch.tensor([True, False]))
        >>> reductions.curves("test")["firing_rate"]["sn"].tolist(), reductions.samples
        ([0.5], {'correct': 0, 'wrong': 1})
    """

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics
        self.neurons: dict[str, int] = {}
        self.outputs: dict[str, dict[str, int]] = {}  # curve -> place -> number of outputs
        self.samples: dict[str, int | None] = {"correct": None, "wrong": None}
        self._batch: dict[str, Table] = {}  # curve -> layer -> [T, B], for the present batch
        self._kept: dict[str, dict[str, Table]] = {"test": {}, "correct": {}, "wrong": {}}
        self._seen = 0
        self._later = False  # whether earlier steps of the present batch have been measured

    def next_piece(self) -> None:
        """Announce that the next values are later steps of the same batch, so that they are appended to its curves."""
        self._later = True

    def _put(self, curve: str, places: Table) -> None:
        table = self._batch.setdefault(curve, {})
        for place, values in places.items():
            table[place] = torch.cat([table[place], values]) if self._later and place in table else values

    def end_batch(self, correct: Tensor) -> None:
        """End a batch of `B` samples; `correct[b]` says whether sample `b` was classified correctly."""
        size = len(correct)
        over_samples = {curve: how for metric in self.metrics for curve, how in metric.over_samples.items()}
        for kind, column in self._first_of(correct).items():
            if self.samples[kind] is None and column is not None:
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

    def _first_of(self, correct: Tensor) -> dict[str, int | None]:
        """Return the first correct and the first wrong sample of the batch; nothing once both examples have been found.

        Both are read at once, since each reading makes the host wait for a GPU.
        """
        if None not in self.samples.values():
            return {}
        firsts = torch.stack([torch.where(mask.any(), mask.int().argmax(), -1) for mask in (correct, ~correct)]).tolist()
        return {kind: None if first < 0 else first for kind, first in zip(("correct", "wrong"), firsts, strict=True)}

    def curves(self, kind: str) -> dict[str, Table]:
        """Return all curves as `{curve: {layer: [T]}}`, of the test set, an example (`correct`, `wrong`) or the training."""
        return {curve: table for metric in self.metrics for curve, table in self.curves_of(metric, kind).items()}

    def curves_of(self, metric: Metric, kind: str) -> dict[str, Table]:
        """Return the curves of one metric."""
        if kind == "train":
            return metric.gathered()
        kept = {curve: table for curve, table in self._kept[kind].items() if curve in metric.over_samples}
        if kind == "test":
            means = {curve for curve, how in metric.over_samples.items() if how == "mean"}
            kept = {c: {k: v / self._seen if c in means else v for k, v in t.items()} for c, t in kept.items()}
        return metric.finish(kept) if kept else {}

    def scalars(self) -> dict[str, float]:
        """Return one number for each curve, `kind/curve`, and its extra numbers, `kind/curve_suffix`."""
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
        if how == "end":
            return sum(float(v[-1]) * weights[layer] for layer, v in table.items()) / sum(weights.values())
        return sum(float(v.mean()) * weights[layer] for layer, v in table.items()) / sum(weights.values())
