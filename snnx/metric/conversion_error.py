"""Measures the conversion error of each layer: the difference between firing rates and the activations they represent."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snnx.metric.metric import Metric, Table
from snnx.neuron.node import Node


class ConversionError(Metric):
    """The error of each layer after t steps, for each t in `marks`; `target` is the activation divided by the layer's scale.

        conversion_error[t]  = mean over neurons of |spikes up to t / t - target|        in units of the layer's scale
        saturated_percent[t] = 100 * share of neurons that fired at every step
        silent_percent[t]    = 100 * share of neurons that never fired

    Only for `method=conversion`, which knows the targets. The result contains each curve's mean over all neurons at the last
    mark that the run reaches, and its mean over layers at each mark.

    Args:
        marks: the steps, ascending. Marks beyond the end of the run are left out, but the run must reach the first one.

    Raises:
        ValueError: `marks` are not ascending steps from 1 on, or a layer has no target.

    Source: On the Future of Training Spiking Neural Networks, last term of Eq 4; ours also has the errors of earlier layers.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> metric, neuron = ConversionError(marks=[2, 4]), IF()
        >>> neuron.target = torch.tensor([[0.5, 1.0]])
        >>> _ = metric.measure_input(torch.zeros(1, 1), torch.zeros(4, 1, 1))
        >>> found = metric.measure(torch.zeros(4, 1, 2), torch.tensor([[[0., 1.]], [[0., 1.]], [[1., 1.]], [[1., 1.]]]), neuron)
        >>> {curve: values.flatten().tolist() for curve, values in found.items()}
        {'conversion_error': [0.25, 0.0], 'saturated_percent': [50.0, 50.0], 'silent_percent': [50.0, 0.0]}
    """

    over_samples = dict.fromkeys(("conversion_error", "saturated_percent", "silent_percent"), "mean")
    over_time = dict.fromkeys(over_samples, "end")
    in_pieces = True
    needs_targets = True

    def __init__(self, *, marks: Sequence[int] = (10, 50, 100, 200, 500, 1000, 2500)) -> None:
        if not marks or any(mark < 1 for mark in marks) or list(marks) != sorted(set(marks)):
            raise ValueError(f"ConversionError: marks must be ascending steps from 1 on; got {list(marks)}")
        self.marks = tuple(marks)
        self.first_step = self.marks[0]
        self._counts: dict[Node, tuple[int, Tensor]] = {}

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._counts = {}
        return {}

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        target = getattr(node, "target", None)
        if target is None:
            raise ValueError("ConversionError: neurons must have target rates; got none; use method=conversion")
        before, count = self._counts.get(node, (0, torch.zeros_like(s[0], dtype=torch.float32)))
        seen, found = 0, []
        for mark in (mark for mark in self.marks if before < mark <= before + len(s)):
            count = count + s[seen : mark - before].sum(0)
            seen = mark - before
            found.append([(count / mark - target).abs(), 100 * (count == mark).float(), 100 * (count == 0).float()])
        self._counts[node] = before + len(s), count + s[seen:].sum(0)
        if not found:
            return {}
        return {
            curve: torch.stack([values[i].flatten(1).mean(1) for values in found]) for i, curve in enumerate(self.over_samples)
        }

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        steps = len(next(iter(table.values())))
        means = torch.stack(list(table.values())).mean(0).tolist()
        return {f"at_{mark}": mean for mark, mean in zip(self.marks[:steps], means, strict=True)}
