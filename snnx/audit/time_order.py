"""Measures how much the accuracy falls if the time steps of the input are shuffled, or replaced by their mean."""

import torch
from torch import Tensor

from snnx.audit.finding import MEASURED, NOT_APPLICABLE, Finding
from snnx.audit.subject import Subject
from snnx.spike_time.planes import Planes


def time(subject: Subject) -> Finding:
    """Measure the accuracy with the input's steps in another order, and with their mean at each step."""
    if isinstance(subject.method.encoding, Planes):
        return Finding(NOT_APPLICABLE, "the network computes with spike times and has no time steps")
    seen: list[Tensor] = []
    with subject.encoding_changed(lambda encoded: seen.append(encoded)):
        plain = _accuracy(subject)
    if all(bool((encoded == encoded[:1]).all()) for encoded in seen):
        return Finding(NOT_APPLICABLE, "the network receives the same input at each step")
    with subject.encoding_changed(_shuffled):
        shuffled = _accuracy(subject)
    with subject.encoding_changed(lambda encoded: encoded.mean(0, keepdim=True).expand_as(encoded)):
        collapsed = _accuracy(subject)
    return Finding(
        MEASURED,
        f"accuracy on {len(subject.labels)} samples: {plain:.3f}; {shuffled:.3f} with the steps of the input shuffled, "
        f"{collapsed:.3f} with their mean at each step",
    )


def _accuracy(subject: Subject) -> float:
    return float((subject.tested().argmax(1) == subject.labels).double().mean())


def _shuffled(encoded: Tensor) -> Tensor:
    """Return the steps in one fixed order that differs from the present one."""
    order = torch.randperm(len(encoded), generator=torch.Generator().manual_seed(0))
    return encoded[order if not torch.equal(order, order.sort().values) else order.flip(0)]
