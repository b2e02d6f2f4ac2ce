"""Checks what the spiking layers emit in a test of the whole test set."""

from dataclasses import dataclass, field
from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from snnx.audit.finding import FAILED, NOT_APPLICABLE, PASSED, Finding, plural
from snnx.neuron.spiking import spiking_layers
from snnx.spike_time.claimed import are_spikes, claimed_spikes, counts_spikes, most_spikes, up_to
from snnx.spike_time.dynamic_threshold import DynamicThreshold

NONE = Finding(NOT_APPLICABLE, "the network has no spiking layer")


@dataclass
class Emitted:
    """Counts what one layer emitted, summed over all batches."""

    fires_once: bool  # the layer emits spike times: each neuron fires at most once, and the time encodes the value
    neurons: int = 0
    outputs: int = 0  # neurons * steps * samples
    levels: float = 1  # the largest output of a neuron at a step, in spikes or units
    counts: bool = False  # an output of k is k spikes
    fired: int = 0  # outputs of 1 to levels
    spikes: int = 0  # spikes in these outputs
    others: int = 0  # outputs that are neither 0 nor a whole number from 1 to `levels`
    example: float = 0.0  # one of these other values

    def see(self, s: Tensor) -> None:
        """Count a batch `[T, B, *]`."""
        self.neurons, self.outputs = s[0, 0].numel(), self.outputs + s.numel()
        ones = int(torch.count_nonzero(s == 1))
        if ones == int(torch.count_nonzero(s)):  # the usual case, which needs no other tensor
            self.spikes, self.fired = self.spikes + ones, self.fired + ones
            return
        right = are_spikes(s, self.levels)
        fired = int((right & (s > 0)).sum())
        self.fired += fired
        self.spikes += int(s[right].double().sum()) if self.counts else fired
        if len(wrong := s[~right]):
            self.others, self.example = self.others + len(wrong), float(wrong[0])


@dataclass
class Emissions(pl.Callback):
    """Watches the output of every spiking layer in a test, also of SpikingJelly's layers.

    Attributes:
        layers: what each layer emitted, by name, in the order of the network.
    """

    layers: dict[str, Emitted] = field(default_factory=dict)
    _hooks: list = field(default_factory=list)

    def on_test_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        if not self._hooks:  # not earlier, because a converted network is built in the first batch
            parts = {**spiking_layers(pl_module.encoding, prefix="encoding"), **spiking_layers(pl_module.tested)}
            for name, layer in parts.items():
                self._hooks.append(layer.register_forward_hook(partial(self._see, name)))

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _see(self, name: str, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if (s := claimed_spikes(module, output)) is not None:
            once, counts = isinstance(module, DynamicThreshold), counts_spikes(module)
            seen = Emitted(fires_once=once, levels=most_spikes(module), counts=counts)
            self.layers.setdefault(name, seen).see(s)


def spikes(layers: dict[str, Emitted]) -> Finding:
    """Check that every output of a spiking layer is 0 or 1; where I-LIF or bursts allow more, a whole number."""
    if not layers:
        return NONE
    most = max(one.levels for one in layers.values())
    wrong = [f"{name} emitted {one.example:g}" for name, one in layers.items() if one.others]
    if wrong:
        return Finding(FAILED, f"spikes must be {up_to(most)}, but {', '.join(wrong)}")
    total = sum(one.outputs for one in layers.values())
    return Finding(PASSED, f"all {total:,} outputs of {plural(len(layers), 'spiking layer')} are {up_to(most)}")


def activity(layers: dict[str, Emitted]) -> Finding:
    """Check that every layer fires, and that no layer fires with all its neurons at every step."""
    if not layers:
        return NONE
    rates = {name: one.spikes / one.outputs for name, one in layers.items()}
    silent = [name for name, one in layers.items() if not one.fired and not one.others]
    saturated = [name for name, one in layers.items() if one.fired == one.outputs and not one.fires_once]
    wrong = [f"{', '.join(found)} {what}" for found, what in ((silent, "never fired"), (saturated, "always fired")) if found]
    if wrong:
        return Finding(FAILED, f"on the whole test set, {' and '.join(wrong)}")
    low, high = min(rates, key=rates.get), max(rates, key=rates.get)
    return Finding(PASSED, f"firing rates are between {rates[low]:.3g} in {low} and {rates[high]:.3g} in {high}")
