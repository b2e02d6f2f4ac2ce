"""A method keeps no state between batches, weights means by samples, and decays only weights."""

import pytest
import pytorch_lightning as pl
import torch
from composing import composed

from snnx.compose.check import check
from snnx.dataset.batches import Batches
from snnx.encoding.repeat import Repeat
from snnx.run.build import build_data, build_method


class Facts:
    shape, classes = (1, 8, 8), 10


@pytest.fixture
def method():
    torch.manual_seed(0)
    return build_method(composed("neuron=plif", "neuron.v_threshold=0.2", "encoding=rate", "timesteps=3").config, Facts())


def test_a_batch_does_not_affect_the_next(method):
    method.eval()
    x = torch.rand(5, 1, 8, 8)
    method.encoding.begin_evaluation()
    first = method(x)
    method(torch.rand(5, 1, 8, 8) * 0.5)
    method.encoding.begin_evaluation()
    assert torch.equal(method(x), first)
    assert not torch.equal(method(x), first), "another draw of the same images"


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_means_of_an_epoch_are_over_samples(method):
    """Seven samples in batches of 3, 3 and 1: the accuracy must be a multiple of 1/7."""
    images, labels = torch.randint(0, 256, (7, 1, 8, 8), dtype=torch.uint8), torch.arange(7)

    class Seven(pl.LightningDataModule):
        def test_dataloader(self):
            return Batches(images, labels, batch_size=3)

        def on_after_batch_transfer(self, batch, dataloader_idx):
            return batch[0].float() / 255, batch[1]

    trainer = pl.Trainer(logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    (tested,) = trainer.test(method, datamodule=Seven(), verbose=False)
    method.eval().encoding.begin_evaluation()
    with torch.no_grad():
        scores = torch.cat([method(x.float() / 255) for x in images.split(3)])
    assert tested["test/acc"] == pytest.approx((scores.argmax(1) == labels).float().mean().item())
    assert tested["test/loss"] == pytest.approx(torch.nn.functional.cross_entropy(scores, labels).item(), rel=1e-5)


def test_weight_decay_leaves_out_scalars_norms_and_biases(method):
    data = build_data(composed().config)
    trainer = pl.Trainer(max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu")
    trainer.fit_loop.setup_data = lambda: None
    method.trainer = trainer
    trainer.strategy.connect(method)
    data.setup()
    trainer._data_connector.attach_data(method, datamodule=data)
    decayed, plain = method.configure_optimizers()["optimizer"].param_groups
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    assert {names[id(p)] for p in plain["params"]} >= {"backbone.stages.sn1.w", "backbone.out.bias"}
    assert all(p.ndim > 1 for p in decayed["params"])
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.01, 0.0)
    assert len(decayed["params"]) + len(plain["params"]) == len(names)


def test_the_first_epochs_have_fewer_steps(tmp_path):
    """In two of four epochs, also if the training is resumed in between; validation and test always have all steps."""
    job = composed("timesteps=4", "method.early={timesteps: 2, epochs: 0.5}", "trainer.max_epochs=4", "budget.samples=0.1")
    data = build_data(job.config)
    data.setup()
    method, seen = build_method(job.config, data), []
    method.backbone.register_forward_pre_hook(lambda module, x: seen.append((method.training, method.current_epoch, len(x[0]))))
    trainer = pl.Trainer(
        max_epochs=4, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accelerator="cpu", num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(method, datamodule=data)
    assert {(epoch, steps) for training, epoch, steps in seen if training} == {(0, 2), (1, 2), (2, 4), (3, 4)}
    assert {steps for training, _, steps in seen if not training} == {4}


def test_early_steps_with_a_random_encoding():
    """The build is checked with tensors without values, which the encoding must accept."""
    check(composed("timesteps=4", "encoding=rate", "method.early={timesteps: 2, epochs: 0.5}"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method.early={timesteps: 4, epochs: 0.5}"], "^Direct: early.timesteps must be below timesteps=4; got 4$"),
        (["method.early={timesteps: 0, epochs: 0.5}"], "^Direct: early.timesteps must be at least 1; got 0$"),
        (
            ["method.early={timesteps: 2, epochs: 1}"],
            "^Direct: early.epochs must be a share of .* between 0 and 1; got 1.0$",
        ),
        (["method.early={timesteps: 2}"], "^Direct: early must have the keys timesteps and epochs; got timesteps$"),
    ],
)
def test_early_steps_that_cannot_be(words, message):
    with pytest.raises(ValueError, match=message):
        build_method(composed("timesteps=4", *words).config, Facts())


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("norm=bntt", "norm must .*; got BNTT, which has parameters for 4 steps; choose another, such as norm=batch"),
        ("norm=tebn", "norm must .*; got TEBN, which has parameters for 4 steps; choose another, such as norm=batch"),
        ("norm=ta", "norm must .*; got TA, which has parameters for 4 steps; choose another, such as norm=batch"),
        ("neuron=psn", "neuron must .*; got PSN, which has parameters for 4 steps; choose another, such as neuron=lif"),
    ],
)
def test_early_steps_of_a_part_with_a_fixed_number(word, message):
    message = message.replace(".*", "take any number of steps, since method.early trains with 2 of 4 steps at first")
    with pytest.raises(ValueError, match=rf"^Direct: {message} \[.*\]$"):
        check(composed("timesteps=4", "method.early={timesteps: 2, epochs: 0.5}", word))


@pytest.mark.parametrize(
    "words",
    [
        ["backbone=convnet"],
        ["backbone=chain", "backbone.votes=0"],
        ["backbone=chain", "backbone.votes=1", "neuron=relu"],
    ],
)
def test_a_loss_of_spikes_needs_a_last_layer_that_fires(words):
    message = (
        "^Direct: loss must not need spikes, since the last layer of the backbone does not fire; got PSCKernel; "
        r"choose loss=cross_entropy, or backbone=chain backbone.votes=1 with a spiking neuron \[.*\]$"
    )
    with pytest.raises(ValueError, match=message):
        check(composed("loss=psc_kernel", *words))
    check(composed("loss=psc_kernel", "backbone=chain", "backbone.votes=1"))


def test_an_encoding_a_backbone_and_a_decoding_that_return_another_shape_are_named(method):
    class Mean(torch.nn.Module):
        def forward(self, x):
            return x.flatten(2).mean(0)[:, :10]

    class Every(torch.nn.Module):
        def forward(self, y):
            return y

    class BatchFirst(Repeat):
        def forward(self, x):
            return super().forward(x).movedim(0, 1)

    images, backbone, encoding = torch.rand(5, 1, 8, 8), method.backbone, method.encoding
    method.encoding = BatchFirst(timesteps=3, in_channels=1)
    message = (
        r"^BatchFirst: must return the input of every step, \[T, B, C, H, W\], with T = 3 and B = 5; got \[5, 3, 1, 8, 8\]$"
    )
    with pytest.raises(ValueError, match=message):
        method(images)
    method.backbone, method.encoding = Mean(), encoding
    with pytest.raises(ValueError, match=r"^Mean: must return scores of every step, \[T, B, K\], with B = 5; got \[5, 10\]$"):
        method(images)
    method.backbone, method.decoding = backbone, Every()
    message = r"^Every: must return one score for each sample and class, \[B, K\] = \[5, 10\]; got \[3, 5, 10\]$"
    with pytest.raises(ValueError, match=message):
        method(images)
