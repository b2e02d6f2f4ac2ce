"""Photographs in one folder per class: every layout that copies have gives the same pictures with the same labels."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from composing import composed
from PIL import Image
from torchvision.transforms import v2

from snnx.command.prepare import main as prepare
from snnx.dataset.photograph_files import PhotographFiles, crop, middle
from snnx.dataset.published import NoData
from snnx.run.build import build_data

CLASSES = ["n01", "n02", "n03"]
TINY, FULL = "tiny-imagenet-200", "imagenet"


def picture(path: Path, level: int, size=(64, 64)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, 0, 255 - level)).save(path, quality=95)


@pytest.fixture
def tiny(tmp_path):
    """As published: four pictures a class in training, two in a flat validation folder with its list."""
    lines = []
    for c, name in enumerate(CLASSES):
        for i in range(4):
            picture(tmp_path / TINY / "train" / name / "images" / f"{name}_{i}.JPEG", 80 * c)
        for i in range(2):
            picture(tmp_path / TINY / "val" / "images" / f"val_{2 * c + i}.JPEG", 80 * c)
            lines.append(f"val_{2 * c + i}.JPEG\t{name}\t0\t0\t63\t63\n")
    (tmp_path / TINY / "val" / "val_annotations.txt").write_text("".join(lines))
    return tmp_path


def sort(root):
    """The other layout: a folder a class, without `images`."""
    for name in CLASSES:
        folder = root / TINY / "train" / name
        for path in (folder / "images").iterdir():
            path.rename(folder / path.name)
        (folder / "images").rmdir()
    for line in (root / TINY / "val" / "val_annotations.txt").read_text().splitlines():
        file, name, *_ = line.split("\t")
        (root / TINY / "val" / name).mkdir(exist_ok=True)
        (root / TINY / "val" / "images" / file).rename(root / TINY / "val" / name / file)
    shutil.rmtree(root / TINY / "val" / "images")


def data(root, option="tiny_imagenet", *more):
    built = build_data({**composed(f"dataset={option}", f"dataset.root='{root}'", *more).config, "budget": {"samples": 1.0}})
    built.setup()
    return built


@pytest.mark.parametrize("layout", ["published", "sorted"])
def test_both_layouts_of_tiny_imagenet(tiny, layout):
    if layout == "sorted":
        sort(tiny)
    built = data(tiny)
    assert built.split_counts == {"train": 12, "val": 0, "test": 6}
    assert built.facts == {"classes": 3}
    images, labels = next(iter(built.test_dataloader()))
    assert images.shape == (6, 3, 64, 64)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert (images[:, 0, 30, 30].int() - 80 * labels).abs().max() <= 3  # JPEG
    _, labels = next(iter(built.train_dataloader()))
    assert labels.bincount().tolist() == [4, 4, 4]


@pytest.mark.parametrize("layout", ["sorted", "flat"])
def test_imagenet(tmp_path, layout):
    for c, name in enumerate(CLASSES):
        picture(tmp_path / FULL / "train" / name / "a.JPEG", 80 * c, (300, 260))
        place = tmp_path / FULL / "val" / (name if layout == "sorted" else "")
        picture(place / f"ILSVRC2012_val_{c}.JPEG", 80 * c, (260, 500))
    rows = [f"ILSVRC2012_val_{c},{name} 1 2 3 4\n" for c, name in enumerate(CLASSES)]
    if layout == "flat":
        (tmp_path / FULL / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n" + "".join(rows))
    built = data(tmp_path, "imagenet")
    images, labels = next(iter(built.test_dataloader()))
    assert images.shape == (3, 3, 224, 224)
    assert labels.tolist() == [0, 1, 2]
    assert built.on_after_batch_transfer((images, labels), 0)[0].abs().max() < 3


def test_validation_is_undistorted_and_training_repeats_with_its_seed(tiny):
    rng = np.random.default_rng(0)
    for path in (tiny / TINY / "train").rglob("*.JPEG"):
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    built = data(tiny, "tiny_imagenet", "dataset.validation=0.25")
    pictures = {name: built._parts[name][0] for name in ("train", "val", "test")}
    assert [pictures[name].random for name in pictures] == [True, False, False]
    everything = slice(None)
    assert torch.equal(pictures["val"][everything], pictures["val"][everything])
    torch.manual_seed(1)
    first = pictures["train"][everything]
    assert not torch.equal(first, pictures["train"][everything])
    torch.manual_seed(1)
    assert torch.equal(first, pictures["train"][everything])


def test_only_training_crops_at_random(tiny):
    """A test that reads training pictures, to calibrate, gets the same ones each time."""
    built = data(tiny)
    built.trainer = pl.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False)
    assert not built.train_dataloader().images.random
    built.trainer.training = True
    assert built.train_dataloader().images.random


def test_the_middle_is_torchvisions(tmp_path):
    ramp = np.linspace(0, 255, 300)[None, :, None] * np.linspace(0.2, 1, 260)[:, None, None] * np.ones(3)
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "ramp.png")
    ours = PhotographFiles([tmp_path / "ramp.png"], 224, random=False)[:][0].int()
    theirs = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.PILToTensor()])(Image.open(tmp_path / "ramp.png")).int()
    assert (ours - theirs).abs().max() <= 4  # resized once here, cut at whole pixels there


def test_crops_stay_inside_and_cover_the_stated_shares():
    torch.manual_seed(0)
    boxes = torch.tensor([crop(400, 300, draw) for draw in torch.rand(2000, 5).tolist()])
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= 400 + 1e-9).all()
    assert (boxes[:, 3] <= 300 + 1e-9).all()
    share = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / 120_000
    assert 0.07 < share.min() < 0.1
    assert share.max() > 0.95
    assert middle(224, 224) == (14, 14, 210, 210)


@pytest.mark.parametrize(
    ("break_it", "error", "message"),
    [
        (lambda r: shutil.rmtree(r / "val"), NoData, "/val must exist, with a folder for each class; it is never downloaded"),
        (lambda r: (r / "val" / "val_annotations.txt").unlink(), ValueError, "or pictures with val_annotations.txt; got"),
        (lambda r: shutil.rmtree(r / "train" / "n03"), ValueError, "val must contain only classes of train; got n03"),
        (lambda r: [shutil.rmtree(p) for p in (r / "train").iterdir()], ValueError, "a folder of pictures for each class; got"),
        (lambda r: picture(r / "val" / "images" / "new.JPEG", 0), ValueError, "must list every picture of .*; got new.JPEG"),
        (
            lambda r: [p.write_bytes(b"no picture") for p in (r / "val" / "images").iterdir()], ValueError,
            "val_0.JPEG: must be a picture; got .*; remove it or copy it again",
        ),
    ],
)  # fmt: skip
def test_copies_that_are_not_whole(tiny, break_it, error, message):
    break_it(tiny / TINY)
    with pytest.raises(error, match=message) as caught:
        list(data(tiny).test_dataloader())
    assert "\n" not in str(caught.value)


def test_prepare_checks_and_never_fetches(tiny, capsys):
    assert prepare(["tiny_imagenet", "--root", str(tiny)]) == 0
    assert "partial " in capsys.readouterr().out
    assert prepare(["imagenet", "--root", str(tiny)]) == 1
    assert "ImageNet is never downloaded; get it at https://image-net.org/download.php" in capsys.readouterr().err


def test_without_a_root():
    with pytest.raises(ValueError, match=r"TinyImageNet: root must be a folder; got null; set dataset.root or SNNX_DATA"):
        build_data({**composed("dataset=tiny_imagenet", "dataset.root=null").config, "budget": {"samples": 1.0}}).setup()


@pytest.mark.parametrize("side", [64, 80], ids=["as it is", "resized"])
def test_pictures_of_16_bits_are_those_of_8_bits(tmp_path, side):
    """The levels of 8 bits are those of 16 bits divided by 257, and none is cut off at white."""
    levels = np.random.default_rng(0).integers(0, 256, (side, side)).astype(np.uint16)
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "8.png")
    Image.fromarray(257 * levels).save(tmp_path / "16.png")
    with Image.open(tmp_path / "16.png") as written:
        assert written.mode.startswith("I")
    narrow, wide = PhotographFiles([tmp_path / "8.png", tmp_path / "16.png"], 64, random=False)[:]
    assert torch.equal(narrow, wide)
    assert wide.unique().numel() > 100


def test_a_picture_whose_bits_cannot_be_kept_is_named(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(ValueError, match=r"float.tif: must have 8 or 16 bits a channel; got mode F; convert it"):
        PhotographFiles([tmp_path / "float.tif"], 4, random=False)[:]
