"""Records the firing rate of each layer in each training batch."""

from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from snnx.metric.by_step import require_steps
from snnx.metric.metric import Metric, Table
from snnx.neuron.spiking import spiking_layers


class FiringRateByIteration(Metric, pl.Callback):
    """The mean of `s` over steps, samples and neurons of each layer, for each of the first training batches.

    `..._first_over_end` is the layers' mean rate in the first batch (with the initial weights), divided by their mean rate
    in the last tenth of the batches. It is near 0 if the network is almost silent at the start, and near 1 if it
    starts at the rate that it keeps. `..._start_over_end` uses the first tenth of the batches instead of the first batch; by
    then, a network that trains fast has reached its later rate.

    Args:
        iterations: number of batches that are recorded, at least 10.

    Raises:
        ValueError: `iterations` is below 10.

    Source: ETTFS, Figure 9.

    Example:
        >>> rates = {"sn": torch.tensor([0.5, *[2.0] * 19])}                    # of 20 batches
        >>> FiringRateByIteration().extra("firing_rate_by_iteration", rates)
        {'first_over_end': 0.25, 'start_over_end': 0.625}
    """

    over_samples: dict[str, str] = {}

    def __init__(self, *, iterations: int = 1000) -> None:
        if iterations < 10:
            raise ValueError(f"FiringRateByIteration: iterations must be at least 10; got {iterations}")
        self.iterations = iterations
        self._rates: dict[str, list[Tensor]] = {}
        self._hooks: list = []

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "FiringRateByIteration")

    def gathered(self) -> dict[str, Table]:
        found = {layer: torch.stack(rates).cpu() for layer, rates in self._rates.items() if rates}
        return {"firing_rate_by_iteration": found} if found else {}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        mean = torch.stack(list(table.values())).mean(0)
        tenth = max(1, len(mean) // 10)  # at least one batch
        end = float(mean[-tenth:].mean())
        if not end > 0:
            return {}
        return {"first_over_end": float(mean[0]) / end, "start_over_end": float(mean[:tenth].mean()) / end}

    def state_dict(self) -> dict:
        return {"rates": {layer: torch.stack(rates).cpu() for layer, rates in self._rates.items() if rates}}

    def load_state_dict(self, state_dict: dict) -> None:
        self._rates = {layer: list(rates) for layer, rates in state_dict["rates"].items()}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step >= self.iterations:  # resumed after the recorded batches
            return
        for name, node in spiking_layers(pl_module.backbone).items():
            rates = self._rates.setdefault(name, [])
            self._hooks.append(node.register_forward_hook(partial(_append, rates)))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        if trainer.global_step >= self.iterations:
            self._remove()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._remove()

    def _remove(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _append(rates: list[Tensor], node: nn.Module, _: object, s: Tensor) -> None:
    """Append the mean firing rate; this is a hook, since a probe would make the kernels use float32 and change the training."""
    if node.training:  # not during validation
        rates.append(s.detach().mean(dtype=torch.float32))
