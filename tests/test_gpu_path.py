"""What runs do on a GPU, seen on a pretended one: nothing mixes devices, and a training step does not wait for the card.

Steps that do wait are those at which the host looks at the loss or at a silent layer; `test_gpu_run.py` says which they are.
"""

from functools import partial
from itertools import product
from math import isfinite
from threading import Event
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from composing import composed, composed_together, option
from gpu_steps import WATCHING
from PIL import Image
from pretended_gpu import CUDA

from snnx.augmentation.spikformer_events import spikformer_events
from snnx.backbone.mlp import MLP
from snnx.bench.steps import moments
from snnx.dataset.read_ahead import read_ahead
from snnx.method.base import LOOK_EVERY
from snnx.metric.recorder import Recorder
from snnx.options import sweepfile
from snnx.options.files import files
from snnx.run.build import build_data, build_method
from snnx.run.callback import progress
from snnx.run.callback.first_losses import FirstLosses
from snnx.run.callback.paths import Paths
from snnx.run.callback.progress import Progress
from snnx.run.callback.warn import Warn
from snnx.run.out_of_memory import trained_within_memory
from snnx.sweep.plan.measure import first_images

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one"),
    pytest.mark.filterwarnings("ignore:Triton does not work"),  # on a pretended GPU all neurons run on their definition
]
SWEEPS = [sweep for sweep in map(sweepfile.read, map(sweepfile.find, sweepfile.names())) if sweep.live]


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.name)
def test_the_first_row_of_a_sweep_trains_and_is_tested(sweep, card, tmp_path, monkeypatch):
    """The second of two steps, with the callbacks that watch each step of a run, waits for nothing."""
    monkeypatch.setattr(progress, "EVERY_S", 0.0)  # so that the progress is written in each step
    words = [f"sweep={sweep.name}", "scale=smoke"]
    (job,) = composed_together(words, [[f"row={sweep.live[0].label}"]])
    torch.manual_seed(0)  # of some draws of a network this small, no neuron fires, so that nothing learns
    data = build_data(job.config)
    method = build_method(job.config, data).to(CUDA)
    batch = torch.rand(4, *data.sample_shape).to(CUDA), torch.tensor([0, 1, 0, 1]).to(CUDA)
    method.trainer = SimpleNamespace(
        num_training_batches=3 * LOOK_EVERY, estimated_stepping_batches=3, max_epochs=1, current_epoch=0, world_size=1,
        global_step=0, is_global_zero=True,
    )  # fmt: skip
    callbacks = [FirstLosses(), Paths(), Progress(tmp_path / "progress.json"), Warn()]
    assert {type(one) for one in callbacks} == WATCHING
    configured = method.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    before = [p.detach().cpu().clone() for p in method.parameters()]

    def step(number):
        loss = method.training_step(batch, number)
        if loss is not None and loss.requires_grad:
            loss.backward()
            for one in callbacks:
                one.on_after_backward(method.trainer, method)
            optimizer.step()
            optimizer.zero_grad()
        schedule.step()
        method.trainer.global_step += 1
        for one in callbacks:
            one.on_train_batch_end(method.trainer, method, {"loss": loss}, batch, number)

    for one in callbacks:
        one.on_train_start(method.trainer, method)
        one.on_train_epoch_start(method.trainer, method)
    step(1)  # some parts check the first batch of the training
    card.forget()
    step(2)  # at the first batches 1, 2 and 4 a look at silent layers waits, and at batch 1 one at the loss
    assert not card.waits
    assert not card.not_deterministic
    assert not callbacks[-1].found  # no layer emits other values than spikes, and the loss gives all parameters a gradient
    assert all(p.is_cuda for p in method.parameters())
    assert all(value.is_cuda for value in moments(optimizer) if value.ndim)
    assert any(not torch.equal(p.detach().cpu(), first) for p, first in zip(method.parameters(), before, strict=True))
    for one in callbacks:
        one.on_exception(method.trainer, method, KeyboardInterrupt())  # removes the hooks
    images, labels = batch
    method.trainer = None
    method.eval()
    if method.has_targets:  # a converted network is tested through Lightning only
        return
    with torch.no_grad(), Recorder(method.backbone, list(method.metrics.values()), method.watch, method.encoding) as recorder:
        method.recorder = recorder
        found = method.test_step((images, labels), 0)
        assert all(correct.is_cuda for correct in found.values())
        assert all(isfinite(value) for key, value in recorder.scalars().items() if key.startswith("test/firing_rate"))


def on_card(data):
    """A data set that is set up as Lightning does it for a training on the card."""
    data.trainer = pl.Trainer(accelerator="cuda", logger=False, enable_checkpointing=False)
    data.setup()
    return data


def test_a_plan_counts_the_operations_of_normalised_photographs(tmp_path, card):
    """Photographs stay on the CPU, but the mean that is subtracted from them is on the card."""
    words = [*photographs(tmp_path), "dataset.normalize=true", "encoding=repeat"]
    data = on_card(build_data(composed(*words).config))
    images = first_images(data, CUDA)
    assert images.is_cuda
    assert images.shape[1:] == data.shape


def test_the_batch_size_that_fits_is_looked_for_on_the_card(card, monkeypatch):
    """When a training has failed, Lightning has moved the network to the CPU, where every batch size would fit."""
    forward = MLP.forward

    def limited(self, x):
        if x.is_cuda and x.shape[1] > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(self, x)

    monkeypatch.setattr(MLP, "forward", limited)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    config = composed("backbone=mlp", "timesteps=2").config
    data = on_card(build_data(config))
    method = build_method(config, data)
    with (
        pytest.raises(torch.OutOfMemoryError, match=r"the memory of cuda:0 must be .* and 5 is the largest that fits"),
        trained_within_memory(data.trainer, method, data),
    ):
        raise torch.OutOfMemoryError


def photographs(root):
    """Two classes of random pictures."""
    levels = torch.randint(256, (2, 2, 9, 64, 64, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    for (part, name), pictures in zip(product(("train", "val"), ("n01", "n02")), levels.flatten(0, 1), strict=True):
        folder = root / "tiny-imagenet-200" / part / name
        folder.mkdir(parents=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture.numpy()).save(folder / f"{number}.JPEG")
    return ["dataset=tiny_imagenet", f"dataset.root={root}", "dataset.batch_size=4"]


@pytest.mark.parametrize("option", ["digits", "tiny_imagenet"])
def test_samples_for_which_the_card_has_no_room_are_copied_without_waiting(option, tmp_path, card, monkeypatch):
    """Their order and their numbers are those of a training on the CPU, random crops included."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (100_000, 80 << 30))  # digits take 86,400 bytes
    words = photographs(tmp_path) if option == "tiny_imagenet" else ["dataset=digits"]
    config = composed(*words).config
    plain, data = build_data(config), on_card(build_data(config))
    plain.setup()
    data.trainer.training = True  # so that photographs are cropped at random
    assert data.train_dataloader().images.device.type == "cpu"
    for part in ("train", "val", "test"):
        batches = []
        for one in (plain, data):
            torch.manual_seed(0)
            batches.append(list(getattr(one, f"{part}_dataloader")()))
        card.forget()
        copied = [data.transfer_batch_to_device(batch, CUDA, 0) for batch in batches[1]]
        assert not card.waits
        assert all(images.is_cuda and labels.is_cuda for images, labels in copied)
        for (images, labels), (wanted, numbers) in zip(copied, batches[0], strict=True):
            assert torch.equal(images.cpu(), wanted)
            assert torch.equal(labels.cpu(), numbers)


def test_one_batch_is_read_ahead_and_an_error_is_raised_in_its_place(card):
    begun = [Event() for _ in range(3)]

    def read(number):
        begun[number].set()
        if number == 2:
            raise OSError("the disk is gone")
        return torch.full((2, 1), number), torch.full((2,), number)

    batches = read_ahead(partial(read, number) for number in range(3))
    for number in range(2):
        images, labels = next(batches)
        assert images.flatten().tolist() == labels.tolist() == [number, number]
        assert begun[number + 1].wait(60)
        assert number == 1 or not begun[2].is_set()
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)


def test_samples_for_which_the_card_has_room_are_on_it(card):
    data = on_card(build_data(composed().config))
    card.forget()
    assert all(tensor.is_cuda for batch in data.test_dataloader() for tensor in batch)
    assert not card.waits


@pytest.mark.parametrize("name", files("augmentation"))
def test_an_augmentation_never_waits_for_the_card(name, card):
    torch.manual_seed(0)
    augment = option("augmentation", name)
    images, labels = torch.rand(64, 3, 16, 16).to(CUDA), (torch.arange(64) % 10).to(CUDA)
    card.forget()
    for _ in range(5):  # RandAugment draws its operations
        augment(images, labels)
    assert not card.waits


def test_a_sixth_of_the_samples_gets_a_cutout_on_the_card(card):
    torch.manual_seed(0)
    images = torch.ones(600, 2, 12, 12).to(CUDA)
    off = {"flip": 0.0, "translate": 0.0, "rotate": 0.0, "shear": 0.0, "mixup": 0.0, "mixup_probability": 0.0}
    out = spikformer_events(images, images[:, 0, 0, 0], **off, cutout=0.25, classes=None)[0].cpu()
    rows, columns = ((out == 0).any(axis)[:, 0].sum(1) for axis in (3, 2))
    assert torch.equal(rows, columns), "a cutout is a square"
    assert set(rows.tolist()) == {0, 1, 2, 3, 4, 5, 6}  # a quarter of 144 pixels is 36
    assert 60 < (rows > 0).sum() < 140
