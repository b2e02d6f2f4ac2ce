"""Early decision: what the network would say if it were stopped after each step, and when its answer is final."""

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from snnx.metric.metric import Metric, Table
from snnx.spike_time.dynamic_threshold import DynamicThreshold


class Decision(Metric):
    """With `k[t, b] = argmax of the scores that decoding makes of the steps 0 to t`:

        early_acc[t, b] = 1 if k[t, b] = label[b] else 0
        decided[t, b]   = 1 if k[t', b] = k[T-1, b] for all t' >= t else 0

    `decided_latency` is the number of steps after which the answer is final, `1 + T - sum over t of decided[t]`, averaged over
    samples; `early_acc_half` the accuracy after half of the steps.

    Raises:
        ValueError: the network is one of spike times.

    Source: ETTFS argues for fewer steps by weighting early spikes; it states no measure.

    Example:
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> outputs = torch.tensor([[[1.0, 0.0]], [[0.0, 3.0]], [[0.0, 1.0]], [[0.0, 1.0]]])
        >>> seen = Decision().measure_output(outputs, MeanLogits(), torch.tensor([1]))
        >>> {curve: places["output"].flatten().tolist() for curve, places in seen.items()}
        {'early_acc': [0.0, 1.0, 1.0, 1.0], 'decided': [0.0, 1.0, 1.0, 1.0]}
        >>> Decision().extra("decided", {"output": seen["decided"]["output"].mean(1)})
        {'latency': 2.0}
    """

    over_samples = {"early_acc": "mean", "decided": "mean"}

    def begin(self, network: nn.Module) -> None:
        if any(isinstance(module, DynamicThreshold) for module in network.modules()):
            raise ValueError(
                "Decision: method must have time steps; got spike times, whose every answer comes when the last window ends: "
                "choose metric=[relative_energy], which gives that latency"
            )

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        choices = []
        for steps in range(1, 1 + len(outputs)):
            functional.reset_net(decoding)
            choices.append(decoding(outputs[:steps]).argmax(1))
        functional.reset_net(decoding)
        choice = torch.stack(choices)
        final = (choice == choice[-1]).int().flip(0).cummin(0).values.flip(0)
        return {"early_acc": {"output": (choice == labels).float()}, "decided": {"output": final.float()}}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        (values,) = table.values()
        if curve == "decided":
            return {"latency": 1 + len(values) - float(values.sum())}
        return {"half": float(values[(len(values) - 1) // 2])}
