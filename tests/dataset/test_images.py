"""Property: parts are disjoint, balanced and fixed; contract: a real Trainer sees what the page says."""

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from snnx.augmentation.none import none
from snnx.dataset.digits import Digits
from snnx.dataset.images import Images


def digits(**changed):
    arguments = {"batch_size": 64, "validation": 0.1, "normalize": False, "augmentation": none, "seed": 0}
    dataset = Digits(**(arguments | changed))
    dataset.setup()
    return dataset


def everything(loader):
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


class Recorder(pl.LightningModule):
    """A linear classifier that keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        self.orders: list[list[int]] = []
        self.images: dict[str, torch.Tensor] = {}

    def on_train_epoch_start(self):
        self.orders.append([])

    def training_step(self, batch, batch_idx):
        images, labels = batch
        self.orders[-1].extend(labels.tolist())
        self.images["train"] = images
        return nn.functional.cross_entropy(self.net(images), labels)

    def validation_step(self, batch, batch_idx):
        self.images["val"] = batch[0]

    def test_step(self, batch, batch_idx):
        self.images["test"] = batch[0]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Own(Images):
    """Images that state neither mean nor standard deviation, and have a validation part if asked for one."""

    classes, shape = 2, (1, 2, 2)

    def __init__(self, images, *, val=False, **changed):
        arguments = {"batch_size": 4, "validation": 0.5, "normalize": True, "augmentation": none, "seed": 0}
        super().__init__(**(arguments | changed))
        self.images, self.val = images, val
        self.setup()

    def read(self):
        labels = torch.arange(len(self.images)) % 2
        return dict.fromkeys(("train", "test", *(["val"] if self.val else [])), (self.images, labels))


def trainer(epochs, **arguments):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return pl.Trainer(max_epochs=epochs, **(quiet | {"enable_checkpointing": False} | arguments))


def test_parts_are_disjoint_and_complete():
    dataset = digits()
    assert dataset.split_counts == {"train": 1350, "val": 150, "test": 297}
    train, val = everything(dataset.train_dataloader())[0], everything(dataset.val_dataloader())[0]
    together = torch.cat([train, val]).flatten(1)
    official = Digits.read(dataset)["train"][0].flatten(1)
    assert sorted(together.tolist()) == sorted(official.tolist())


def test_validation_is_balanced_and_ignores_the_runs_seed():
    first, second = digits(seed=0), digits(seed=1)
    labels = everything(first.val_dataloader())[1]
    assert labels.bincount().tolist() == pytest.approx([15] * 10, abs=1)
    assert first.split_hash == second.split_hash == "df1adeb747f1"
    assert digits(split_seed=1).split_hash != first.split_hash


def test_a_budget_keeps_a_balanced_fraction_of_every_part():
    dataset = digits(samples=0.2)
    assert dataset.split_counts == {"train": 270, "val": 30, "test": 59}
    assert everything(dataset.train_dataloader())[1].bincount().tolist() == pytest.approx([27] * 10, abs=2)
    whole = {tuple(image.flatten().tolist()) for image in everything(digits().val_dataloader())[0]}
    part = {tuple(image.flatten().tolist()) for image in everything(dataset.val_dataloader())[0]}
    assert part <= whole
    assert digits(samples=1e-9).split_counts == {"train": 10, "val": 10, "test": 10}, "one of each class"


def test_all_of_the_training_set_can_be_trained_on():
    dataset = digits(validation=0)
    assert dataset.split_counts == {"train": 1500, "val": 0, "test": 297}
    model = Recorder()
    trainer(1).fit(model, datamodule=dataset)
    assert "val" not in model.images


def test_test_samples_keep_the_publishers_order():
    dataset = digits()
    official = Digits.read(dataset)["test"]
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(everything(dataset.test_dataloader()), official, strict=True))


def test_a_real_trainer_gets_floats_and_augments_in_training_only():
    dataset = digits(augmentation=lambda images, labels: (images.zero_(), labels))
    model = Recorder()
    fit = trainer(1)
    fit.fit(model, datamodule=dataset)
    fit.test(model, datamodule=dataset, verbose=False)
    assert model.images["train"].abs().sum() == 0
    assert model.images["val"].max() == 1
    assert model.images["test"].max() == 1
    assert model.images["test"].dtype == torch.float32
    assert everything(dataset.test_dataloader())[0].max() == 255  # the stored bytes are untouched


def test_normalised_training_images_have_mean_0_and_deviation_1():
    dataset = digits(validation=0, normalize=True)
    images = dataset.on_after_batch_transfer(everything(dataset.train_dataloader()), 0)[0]
    assert images.mean().item() == pytest.approx(0, abs=1e-3)
    assert images.std().item() == pytest.approx(1, abs=1e-3)


def test_a_recipe_may_normalise_by_other_numbers():
    dataset = digits(normalize=True, mean=[0], std=[2])
    batch = torch.full((1, 1, 8, 8), 255, dtype=torch.uint8), torch.zeros(1)
    assert dataset.on_after_batch_transfer(batch, 0)[0].unique().tolist() == [0.5]


def test_what_is_not_stated_is_computed_from_the_training_samples_in_use():
    images = torch.randint(256, (20, 1, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    dataset = Own(images)
    trained = everything(dataset.train_dataloader())[0].double() / 255
    assert len(trained) == 10
    assert dataset.mean == pytest.approx([trained.mean().item()])
    assert dataset.std == pytest.approx([trained.std(correction=0).item()])
    assert dataset.facts == {"mean": dataset.mean, "std": dataset.std}
    assert Own(images, mean=[0.5]).mean == (0.5,)
    assert Own(images, normalize=False).facts == {}


def test_sixteen_bits_become_all_of_0_to_1():
    levels = torch.tensor([-32768, -32767, 32766, 32767], dtype=torch.int16)
    dataset = Own(levels.view(1, 1, 2, 2).repeat(4, 1, 1, 1), normalize=False)
    images = dataset.on_after_batch_transfer(next(iter(dataset.test_dataloader())), 0)[0]
    assert images[0].flatten().tolist() == torch.tensor([0, 1 / 65535, 65534 / 65535, 1]).tolist()
    wide = Own(levels.view(1, 1, 2, 2).repeat(4, 1, 1, 1))
    assert wide.mean == (0.5,)


def test_a_validation_part_is_used_as_it_is():
    images = torch.arange(24, dtype=torch.uint8).view(6, 1, 2, 2)
    with_part, without = Own(images, val=True), Own(images)
    assert with_part.split_counts == {"train": 6, "val": 6, "test": 6}
    assert torch.equal(everything(with_part.val_dataloader())[0], images)
    assert without.split_counts == {"train": 3, "val": 3, "test": 6}
    assert with_part.split_hash != without.split_hash


def test_the_training_order_depends_on_seed_and_epoch_alone(tmp_path):
    whole = Recorder()
    trainer(4).fit(whole, datamodule=digits())
    torch.manual_seed(123)  # the global generator has no say
    first, second = Recorder(), Recorder()
    before = trainer(2)
    before.fit(first, datamodule=digits())
    before.save_checkpoint(tmp_path / "last.ckpt")
    trainer(4).fit(second, datamodule=digits(), ckpt_path=tmp_path / "last.ckpt")
    assert first.orders + second.orders == whole.orders
    assert len({tuple(order) for order in whole.orders}) == 4
    other = Recorder()
    trainer(1).fit(other, datamodule=digits(seed=1))
    assert other.orders[0] not in whole.orders


def test_training_leaves_out_a_last_single_sample_and_evaluation_does_not():
    dataset = digits(batch_size=19)  # 1350 = 71 * 19 + 1, 150 = 7 * 19 + 17
    assert len(everything(dataset.train_dataloader())[1]) == 1349
    assert len(everything(digits(batch_size=149).val_dataloader())[1]) == 150


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 0}, "Digits: batch_size must be at least 1; got 0"),
        ({"validation": 1}, r"Digits: validation must lie in \[0, 1\); got 1"),
        ({"validation": -0.1}, r"Digits: validation must lie in \[0, 1\); got -0.1"),
        ({"samples": 0}, r"Digits: samples must lie in \(0, 1\]; got 0"),
        ({"mean": [0, 0]}, r"Digits: mean and std must have 1 values each; got \(0.0, 0.0\) and \(0.3749,\)"),
    ],
)
def test_what_cannot_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        digits(**changed)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(4, 1, 2, 2, dtype=torch.uint8), r"normalize must be false if all training pixels .*; got .* \(0.0,\)"),
        (torch.rand(4, 1, 2, 2), "Own: train images must be uint8 or int16; got torch.float32"),
    ],
)
def test_images_that_cannot_be_used(images, message):
    with pytest.raises(ValueError, match=message):
        Own(images)
