"""Measures early exit: each sample stops at the first step at which the network is sure enough of its class."""

from collections.abc import Sequence
from math import log
from typing import Literal

import torch
from torch import Tensor, nn

from snnx.metric.by_step import require_causal, require_steps
from snnx.metric.metric import Metric, Table


class EarlyExit(Metric):
    """Accuracy and time steps if each sample exits once its certainty exceeds a threshold, for several thresholds at once.

        z[t]    = sum over t' <= t of outputs[t'],  p = softmax(z[t])       the sum, not the mean: p gets sharper with t
        sure[t] = 1 + sum of p*log(p) / log(K)      by = entropy
                  max of p                          by = confidence
        exit    = first t, counted from 1, with sure[t] > threshold; T if there is none
        early_exit_acc   = share of samples for which z[exit] is highest at the label
        early_exit_steps = mean of exit
        early_exit_share = share of samples with exit = t, for each step: the histogram of steps

    The tables have a row for each threshold; the result also contains `early_exit_acc_at_0.9` and
    `early_exit_steps_at_0.9`. The decoding is not used. If it takes a mean, a sample that never exits has the same answer as
    in `test/acc`. For an exit by the mean of the scores, and for spikes and energy after each step, see
    `metric=anytime`.

    Args:
        by: how certainty is measured, `entropy` or `confidence`.
        thresholds: ascending, in [0, 1); with 1, no sample could exit.

    Raises:
        ValueError: `by` is neither, `thresholds` are not ascending in [0, 1), or the network uses spike times or has neurons
            that read later steps.

    Source: Li et al., DT-SNN, 2023, as in the authors' code (Intelligent-Computing-Lab-Yale/SEENN, test_snn.py).

    Example:
        >>> metric, outputs = EarlyExit(by="confidence", thresholds=[0.5, 0.9]), torch.tensor([[[0.0, 1.0]], [[2.5, 0.0]]])
        >>> _ = metric.measure_input(torch.zeros(1, 1), torch.zeros(2, 1, 1))
        >>> seen = metric.measure_output(outputs, nn.Identity(), torch.tensor([0]))         # max p: 0.73, 0.82
        >>> found = metric.finish({curve: {k: v.mean(1) for k, v in places.items()} for curve, places in seen.items()})
        >>> {curve: {k: v.tolist() for k, v in table.items()} for curve, table in found.items()}
        {'early_exit_acc': {'0.5': [0.0], '0.9': [1.0]}, 'early_exit_steps': {'0.5': [1.0], '0.9': [2.0]},
         'early_exit_share': {'0.5': [1.0, 0.0], '0.9': [0.0, 1.0]}}
    """

    over_samples = {"early_exit_acc": "mean", "early_exit_share": "mean"}
    over_time = {"early_exit_share": "end"}
    in_pieces = True
    formulas = {
        "early_exit_acc": "accuracy if each sample exits once it is sure enough; mean over thresholds",
        "early_exit_steps": "steps after which a sample exits, T if it never does; mean over samples and thresholds",
        "early_exit_share": "share of samples that exit at the last step; mean over thresholds",
    }

    def __init__(
        self,
        *,
        by: Literal["entropy", "confidence"] = "entropy",
        thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
    ) -> None:
        if by not in ("entropy", "confidence"):
            raise ValueError(f"EarlyExit: by must be entropy or confidence; got {by}")
        if not thresholds or list(thresholds) != sorted(set(thresholds)) or not 0 <= thresholds[0] <= thresholds[-1] < 1:
            raise ValueError(f"EarlyExit: thresholds must be ascending numbers in [0, 1), at least one; got {list(thresholds)}")
        self.by = by
        self.thresholds = {f"{threshold:g}": float(threshold) for threshold in thresholds}
        self._sum: Tensor | float = 0.0  # outputs of the steps of the present batch that have been measured
        self._exited: dict[str, Tensor] = {}  # for each threshold, which samples of the present batch have exited
        self._right: dict[str, Tensor] = {}  # for each threshold, whether the answers so far are right

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "EarlyExit")
        require_causal(network, "EarlyExit")

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._sum, self._exited, self._right = 0.0, {}, {}
        return {}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        z = self._sum + outputs.double().cumsum(0)
        self._sum = z[-1]
        right, sure = z.argmax(2) == labels, self._sure(z)
        found: dict[str, dict[str, Tensor]] = {"early_exit_acc": {}, "early_exit_share": {}}
        for name, threshold in self.thresholds.items():
            exited = self._exited.get(name, torch.zeros_like(right[0]))
            kept = self._right.get(name, exited)
            answers, exits = [], []
            for right_t, sure_t in zip(right, sure, strict=True):
                kept = torch.where(exited, kept, right_t)
                now = (sure_t > threshold) & ~exited
                exited = exited | now
                answers.append(kept)
                exits.append(now)
            self._exited[name], self._right[name] = exited, kept
            found["early_exit_acc"][name] = torch.stack(answers).float()
            found["early_exit_share"][name] = torch.stack(exits).float()
        return found

    def _sure(self, z: Tensor) -> Tensor:
        """Return `[T, B]`, the certainty after each step."""
        log_p = z.log_softmax(2)
        if self.by == "confidence":
            return log_p.amax(2).exp()
        return 1 + (log_p.exp() * log_p).sum(2) / log(z.shape[2])

    def correct(self) -> dict[str, Tensor]:
        return {f"early_exit_acc_at_{name}": right for name, right in self._right.items()}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        found: dict[str, Table] = {"early_exit_acc": {}, "early_exit_steps": {}, "early_exit_share": {}}
        for name, share in curves["early_exit_share"].items():
            share = share.clone()
            share[-1] += 1 - share.sum()  # samples that never exit use all steps
            found["early_exit_acc"][name] = curves["early_exit_acc"][name][-1:]
            found["early_exit_steps"][name] = (share * torch.arange(1, 1 + len(share)).to(share)).sum()[None]
            found["early_exit_share"][name] = share
        return found

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        return {} if curve == "early_exit_share" else {f"at_{name}": float(values) for name, values in table.items()}
