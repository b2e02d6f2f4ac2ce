"""Measures the accuracy if the network is stopped after each step, and the step from which its answer is final."""

from torch import Tensor, nn

from snnx.metric.by_step import answers, require_causal, require_steps, scores_by_step
from snnx.metric.metric import Metric, Table


class Decision(Metric):
    """Whether the answer after each step is right, and whether it is final.

        k[t, b]         = argmax of the scores that decoding computes from the steps 0 to t
        early_acc[t, b] = 1 if k[t, b] = label[b] else 0
        decided[t, b]   = 1 if k[t', b] = k[T-1, b], and no tie, for all t' >= t, or t = T-1, else 0

    If several classes share the highest score, as before the first spike, there is no answer. A sample that ends with such a
    tie has a latency of T; its class in `early_acc` is the first of them, as in `test/acc`. `decided_latency` is the number of
    steps after which the answer is final, `1 + T - sum over t of decided[t]`, averaged over samples. `early_acc_half` is the
    accuracy after half of the steps.

    Raises:
        ValueError: the network uses spike times instead of steps, or its neurons read later steps.

    Source: ETTFS argues for fewer steps by weighting early spikes; it states no measure.

    Example:
        >>> import torch
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> outputs = torch.tensor([[[1.0, 0.0]], [[0.0, 3.0]], [[0.0, 1.0]], [[0.0, 1.0]]])
        >>> seen = Decision().measure_output(outputs, MeanLogits(), torch.tensor([1]))
        >>> {curve: places["output"].flatten().tolist() for curve, places in seen.items()}
        {'early_acc': [0.0, 1.0, 1.0, 1.0], 'decided': [0.0, 1.0, 1.0, 1.0]}
        >>> Decision().extra("decided", {"output": seen["decided"]["output"].mean(1)})
        {'latency': 2.0}
    """

    over_samples = {"early_acc": "mean", "decided": "mean"}
    formulas = {"decided_latency": "1 + T - sum over t of decided[t], mean over samples; T if scores end in a tie"}

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "Decision")
        require_causal(network, "Decision")

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        scores = scores_by_step(outputs, decoding)
        said = answers(scores)
        unchanged = (said == said[-1]) & (said[-1] >= 0)
        unchanged[-1] = True  # at the last step every answer is final
        final = unchanged.int().flip(0).cummin(0).values.flip(0)
        return {"early_acc": {"output": (scores.argmax(2) == labels).float()}, "decided": {"output": final.float()}}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        (values,) = table.values()
        if curve == "decided":
            return {"latency": 1 + len(values) - float(values.sum())}
        return {"half": float(values[(len(values) - 1) // 2])}
