"""Measures accuracy, spikes, synaptic operations and energy after every time step, and the accuracy with early exit."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.energy.fan_out import fan_out
from snnx.energy.operations import additions
from snnx.energy.prices import PRICES
from snnx.metric.by_step import answers, require_causal, require_steps, scores_by_step
from snnx.metric.counting import Counting
from snnx.metric.metric import Table


class AnyTime(Counting):
    """The network's accuracy and cost if it were stopped after step t, for each t, measured in a single run.

        acc[t]       = share of samples whose scores of the steps 1..t are highest at the label
        spikes[t]    = spikes of all layers of neurons in the steps 1..t                               per sample
        synops[t]    = additions in the steps 1..t (see `energy.operations.additions`),
                       with the products of spiking attentions (see `energy.attention_products`)       per sample
        energy_uj[t] = (0.9 pJ * synops[t] + 4.6 pJ * macs[t]) / 1e6                                   per sample
        exit_acc[t]  = acc[t], where a sample that became confident before t keeps its answer of that step
        running[t]   = share of samples that have not become confident in t steps
        since_steps[t] = the step since which the answer at t has not changed, t if there is no answer      mean over samples

    A sample becomes confident, and exits, at the first step at which the softmax of its scores reaches `confidence`.
    `running_latency_steps` is the mean step of exit; samples that never exit count as T. If several classes share the highest
    score, there is no answer, so a sample that ends with such a tie has a latency to decision of T. In `acc` its class is the
    first of them, as in `test/acc`.

    Multiplications in a layer that reads values instead of spikes count as `macs`. If the input is the same at every step, the
    first layer counts only once, since its result can be reused. Batch norms are counted as if folded into the layers before
    them. Gains on shortcuts and the neurons' own additions are not counted. The last value of `energy_uj` equals
    `energy_45nm_uj` of `Energy`.

    The result contains each curve's value at each of `marks`. The last value of `since_steps` is the latency to decision,
    `acc_settle_steps` is the first t from which accuracy stays at 0.9 of its last value or above, and `acc_drop` is the largest
    drop of accuracy below an earlier value.

    A network without spikes, such as a ReLU network, has all curves except `spikes` and `synops`. A long run is measured in
    pieces of time, so the memory, except for the curves, does not depend on its length.

    Args:
        confidence: softmax probability at which a sample exits, in (0, 1].
        every: the curves keep every `every`-th step, and the last one.
        marks: the steps, ascending, whose values are written to the result.

    Raises:
        ValueError: `confidence`, `every` or `marks` is out of range, the network uses spike times instead of steps or has
            neurons that read later steps, or it has an attention whose products cannot be measured.

    Source: On the Future of Training Spiking Neural Networks, Figure 2 (accuracy); Horowitz, 2014, as in most papers (energy).

    Example:
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> metric, outputs = AnyTime(marks=[1, 2]), torch.tensor([[[0.0, 9.0]], [[9.0, 0.0]], [[9.0, 0.0]]])
        >>> _ = metric.measure_input(torch.zeros(1, 1), torch.zeros(3, 1, 1))
        >>> seen = metric.measure_output(outputs, MeanLogits(), torch.tensor([0]))
        >>> {curve: places["output"].flatten().tolist() for curve, places in seen.items()}  # confident and wrong, then a tie
        {'anytime_acc': [0.0, 1.0, 1.0], 'anytime_exit_acc': [0.0, 0.0, 0.0], 'anytime_running': [0.0, 0.0, 0.0],
         'anytime_since_steps': [1.0, 2.0, 3.0]}
    """

    over_samples = {
        f"anytime_{name}": "mean" for name in ("acc", "exit_acc", "running", "since_steps", "spikes", "synops", "macs")
    }
    over_time = dict.fromkeys((*over_samples, "anytime_energy_uj", "anytime_step"), "last")
    formulas = {
        "anytime_acc": "share of samples whose scores of the steps so far are highest at the label",
        "anytime_exit_acc": "accuracy if each sample keeps the answer that it had when it first became confident",
        "anytime_running": "share of samples that are not confident yet: no softmax of their scores has reached confidence",
        "anytime_spikes": "spikes of all layers of neurons in the steps so far",
        "anytime_acc_drop": "largest drop of anytime_acc below an earlier value",
        "anytime_acc_settle_steps": "first step from which anytime_acc stays at 0.9 of its last value or above",
        "anytime_synops": "additions in the steps so far: a spike of k units counts k for each weight that reads it; "
        "+ products of attention",
        "anytime_energy_uj": PRICES["45nm"].formula,
        "anytime_since_steps": "step after which the answer no longer changes, T if the scores end in a tie; mean over samples",
        "anytime_running_latency_steps": "step at which a sample becomes confident and exits; mean over samples",
    }

    def __init__(
        self,
        *,
        confidence: float = 0.9,
        every: int = 1,
        marks: Sequence[int] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1500, 2000, 2500),
    ) -> None:
        if not 0 < confidence <= 1:
            raise ValueError(f"AnyTime: confidence must be in (0, 1]; got {confidence}")
        if every < 1:
            raise ValueError(f"AnyTime: every must be at least 1; got {every}")
        if any(mark < 1 for mark in marks) or list(marks) != sorted(set(marks)):
            raise ValueError(f"AnyTime: marks must be ascending steps from 1 on; got {list(marks)}")
        super().__init__()
        self.confidence, self.every, self.marks = float(confidence), every, tuple(marks)
        self._right: dict[str, Tensor] = {}  # for each mark, whether each sample of the present batch is right there
        self._exited: Tensor | None = None  # which samples of the present batch have become confident
        self._exit_right: Tensor | None = None  # whether their answers at that step were right
        self._answer: Tensor | None = None  # answers at the last measured step
        self._since: Tensor | None = None  # the step since which they have not changed
        self._step = 0
        self._latency = 0.0

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "AnyTime")
        require_causal(network, "AnyTime")
        super().begin(network)

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._exited = self._exit_right = self._answer = None
        self._right = {}
        return super().measure_input(images, encoded)

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        super().measure(h, s, node)
        return {"anytime_spikes": s.flatten(2).float().sum(2)}

    def measure_layer(self, layer: str, module: nn.Conv2d | nn.Linear, x: Tensor) -> dict[str, Tensor]:
        if not self.reads_values(layer) and (added := additions(module, x)) is not None:
            return {"anytime_synops": added}
        macs = fan_out(module, torch.ones_like(x[:1, :1])).expand(x.shape[:2])
        return {"anytime_macs": macs[: self.computed_steps(layer, len(x))]}

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        return {"anytime_synops": self.products(before, after, attention)}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        scores = scores_by_step(outputs, decoding)
        right = scores.argmax(2) == labels
        confident = scores.softmax(2).amax(2) >= self.confidence
        exited = torch.zeros_like(right[0]) if self._exited is None else self._exited
        exit_right = torch.zeros_like(exited) if self._exit_right is None else self._exit_right
        before = 0 if self._answer is None else self._step  # number of steps in the earlier pieces of this batch
        self._right |= {f"anytime_acc_at_{m}": right[m - 1 - before] for m in self.marks if before < m <= before + len(right)}
        exits, running = [], []
        for right_t, confident_t in zip(right, confident, strict=True):
            exit_right = torch.where(exited, exit_right, right_t)
            exited = exited | confident_t
            exits.append(exit_right)
            running.append(~exited)
        self._exited, self._exit_right = exited, exit_right
        curves = {
            "acc": right,
            "exit_acc": torch.stack(exits),
            "running": torch.stack(running),
            "since_steps": self._unchanged_since(scores),
        }
        return {f"anytime_{curve}": {"output": values.float()} for curve, values in curves.items()}

    def _unchanged_since(self, scores: Tensor) -> Tensor:
        """Return `[T, B]`: for each step, the step since which the answer has not changed, counted from 1.

        Where there is no answer, it is the step itself.
        """
        found = []
        for answer in answers(scores):
            if self._answer is None:
                self._step, self._since = 0, torch.ones_like(answer)
            else:
                self._since = torch.where((answer == self._answer) & (answer >= 0), self._since, self._step + 1)
            self._answer, self._step = answer, self._step + 1
            found.append(self._since)
        return torch.stack(found)

    def correct(self) -> dict[str, Tensor]:
        return dict(self._right)

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        steps = max(len(v) for table in curves.values() for v in table.values())
        total = {
            curve: torch.stack([nn.functional.pad(v.double(), (0, steps - len(v))) for v in table.values()]).sum(0).cpu()
            for curve, table in curves.items()  # a layer that is computed only once is counted at the first step
        }
        spent = {
            name: total.get(f"anytime_{name}", torch.zeros(steps)).double().cumsum(0) for name in ("spikes", "synops", "macs")
        }
        kept = torch.tensor(sorted({*range(self.every - 1, steps, self.every), steps - 1}))
        self._kept_steps = kept + 1.0
        self._latency = 1 + float(total["anytime_running"][:-1].sum())
        found = {
            "step": self._kept_steps,
            "acc": total["anytime_acc"],
            "exit_acc": total["anytime_exit_acc"],
            "running": total["anytime_running"],
            "since_steps": total["anytime_since_steps"],
            **({"spikes": spent["spikes"], "synops": spent["synops"]} if self._spikes else {}),
            "energy_uj": PRICES["45nm"].uj(spent["macs"], spent["synops"], 0.0),
        }
        self._marked = {
            name: {m: float(v[m - 1]) for m in self.marks if m <= steps} for name, v in found.items() if name != "step"
        }
        return {f"anytime_{name}": {"all": v if name == "step" else v[kept]} for name, v in found.items()}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        name = curve.removeprefix("anytime_")
        found = {f"at_{mark}": value for mark, value in self._marked.get(name, {}).items()}
        if name == "running":
            return {"latency_steps": self._latency}
        if name == "acc":
            (values,) = table.values()
            found["drop"] = float((values.cummax(0).values - values).max())
            below = (values < 0.9 * values[-1]).nonzero()
            found["settle_steps"] = float(self._kept_steps[int(below.max()) + 1 if len(below) else 0])
        return found
