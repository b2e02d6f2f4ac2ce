"""What runs do on a GPU, seen on a pretended one: nothing mixes devices, and a training step never waits for the card."""

from math import isfinite

import pytest
import torch
from composing import composed_together, option
from pretended_gpu import CUDA, pretended_gpu

from snnx.metric.recorder import Recorder
from snnx.neuron.kernel.cuda.works import trouble
from snnx.options import sweepfile
from snnx.options.files import files
from snnx.run.build import build_data, build_method

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one"),
    pytest.mark.filterwarnings("ignore:Triton does not work"),  # on a pretended GPU all neurons run on their definition
]
SWEEPS = [sweep for sweep in map(sweepfile.read, map(sweepfile.find, sweepfile.names())) if sweep.live]


@pytest.fixture
def card():
    with pretended_gpu() as seen:
        yield seen
    trouble.cache_clear()


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.name)
def test_the_first_row_of_a_sweep_trains_and_is_tested(sweep, card):
    words = [f"sweep={sweep.name}", "scale=smoke"]
    (job,) = composed_together(words, [[f"row={sweep.live[0].label}"]])
    data = build_data(job.config)
    method = build_method(job.config, data).to(CUDA)
    images, labels = torch.rand(4, *data.sample_shape).to(CUDA), torch.tensor([0, 1, 0, 1]).to(CUDA)

    def step():
        scores, loss = method.scores_and_loss(images, labels)
        loss.backward()
        method._count("train", loss.detach(), scores.argmax(1) == labels)

    step()  # some parts check the first batch of the training
    card.forget()
    step()
    assert not card.waits
    assert not card.not_deterministic
    assert all(p.grad is None or p.grad.is_cuda for p in method.parameters())
    method.eval()
    if method.has_targets:  # a converted network is tested through Lightning only
        return
    with torch.no_grad(), Recorder(method.backbone, list(method.metrics.values()), method.watch, method.encoding) as recorder:
        method.recorder = recorder
        found = method.test_step((images, labels), 0)
        assert all(correct.is_cuda for correct in found.values())
        assert all(isfinite(value) for key, value in recorder.scalars().items() if key.startswith("test/firing_rate"))


FEW = 10
"""Constants that are copied to the GPU, and choices of samples; of 16 images, a wait for each would be more."""


@pytest.mark.parametrize("name", files("augmentation"))
def test_an_augmentation_does_not_wait_for_each_image(name, card):
    augment = option("augmentation", name)
    images, labels = torch.rand(16, 3, 16, 16).to(CUDA), torch.arange(16).to(CUDA)
    augment(images, labels)
    card.forget()
    augment(images, labels)
    assert sum(card.waits.values()) < FEW, card.waits
