"""The kernels of a converted network in the numbers of a test."""

import pytest
from pipelines import PIPELINES, built

from snnx.metric.temporal_kernel import KernelConstants
from snnx.run.test import run_test
from snnx.testing.random_images import RandomImages, train


def test_they_are_those_of_the_conversion():
    method = built(PIPELINES["converted to kernels"], metric={"temporal_kernel": KernelConstants()})
    trainer = train(method, RandomImages(), *method.metrics.values())
    _, recorder = run_test(trainer, method, RandomImages())
    found, kernels = recorder.scalars(), method.code.kernels
    (constant, delay), layers = kernels[None], [pair for name, pair in kernels.items() if name is not None]
    assert (found["train/kernel_time_constant_input"], found["train/kernel_delay_input"]) == pytest.approx((constant, delay))
    for number, name in enumerate(("time_constant", "delay")):
        mean = sum(pair[number] for pair in layers) / len(layers)
        assert found[f"train/kernel_{name}_layers"] == pytest.approx(mean)
    assert constant > 0 > layers[0][1]  # tuned, so that the two cannot be exchanged
