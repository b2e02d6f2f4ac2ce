"""Checks the spiking metrics: counts the spikes of each sample a second time, one by one, and compares."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from torch import Tensor, nn

from snnx.audit.finding import FAILED, NOT_APPLICABLE, PASSED, Finding, plural
from snnx.audit.subject import Subject
from snnx.metric.firing_rate import FiringRate
from snnx.metric.recorder import Recorder
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.spike_time.claimed import counts_spikes
from snnx.spike_time.dynamic_threshold import DynamicThreshold

TOLERANCE = 1e-5  # allowed difference, since the metrics are computed in float32


def metrics(subject: Subject) -> Finding:
    """Check the firing rate of each layer and step, the spikes per neuron and the share of silent neurons.

    The metrics read the spikes from the neurons' probes, in batches. The check reads the outputs of the layers, one sample at a
    time, and counts in NumPy. An output of k is k spikes if the layer counts its spikes, as I-LIF does; another output above 0
    is one spike.
    """
    measured = _measured(subject)
    if not measured:
        return Finding(NOT_APPLICABLE, "the network has no neurons that metrics read")
    counted = _counted(subject, set(measured["firing_rate"]))
    for curve, layers in counted.items():
        for layer, values in layers.items():
            found = np.asarray(measured[curve][layer].double())
            if found.shape != values.shape or not np.allclose(found, values, rtol=TOLERANCE, atol=TOLERANCE):
                return Finding(
                    FAILED, f"{curve} of {layer} is {found.mean():.6g}, but counted spike by spike {values.mean():.6g}"
                )
    layers, number = plural(len(counted["firing_rate"]), "layer"), len(subject.labels)
    return Finding(PASSED, f"{', '.join(counted)} of {layers} agree with a count of {number} samples")


def _measured(subject: Subject) -> dict[str, dict[str, Tensor]]:
    """Return the curves of the metrics, `{curve: {layer: [T]}}`; empty if the network has no neurons."""
    method = subject.method
    with Recorder(method.tested, [FiringRate(), SpikesPerNeuron()], method.watch, method.encoding) as method.recorder:
        recorder = method.recorder
        for part in subject.everything.split(64):
            recorder.labels = subject.labels[part]
            recorder.end_batch(subject.scores(part, 64).argmax(1) == subject.labels[part])
    method.recorder = None
    return recorder.curves("test") if recorder.matched else {}


def _counted(subject: Subject, layers: set[str]) -> dict[str, dict[str, np.ndarray]]:
    seen: dict[str, list[np.ndarray]] = {}
    rates: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
    silent: dict[str, list[float]] = {layer: [] for layer in layers}
    with _watched(subject.method.tested, layers, seen):
        for sample in subject.everything:
            seen.clear()
            subject.scores(sample[None], 1)
            for layer, pieces in seen.items():
                spikes = np.concatenate(pieces)  # [T, neurons]
                rates[layer].append(np.array([step.sum() / step.size for step in spikes]))
                silent[layer].append(100 * np.count_nonzero(~spikes.any(0)) / spikes.shape[1])
    means = {layer: np.mean(per_sample, axis=0) for layer, per_sample in rates.items()}
    return {
        "firing_rate": means,
        "spikes_per_neuron": {layer: steps.sum(keepdims=True) for layer, steps in means.items()},
        "inactive_percent": {layer: np.array([np.mean(per_sample)]) for layer, per_sample in silent.items()},
    }


@contextmanager
def _watched(network: nn.Module, layers: set[str], seen: dict[str, list[np.ndarray]]) -> Iterator[None]:
    """Within this context, each call of one of the layers adds its spikes `[T, neurons]` of a single sample to `seen`."""

    def see(name: str, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        fired = output[:1] if isinstance(module, DynamicThreshold) else output
        spikes = fired if counts_spikes(module) else fired > 0
        seen.setdefault(name, []).append(spikes.flatten(1).numpy().copy())

    hooks = [module.register_forward_hook(partial(see, name)) for name, module in network.named_modules() if name in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
