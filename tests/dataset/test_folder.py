"""A folder of pictures through everything that a data set goes through: parts, facts, networks, runs, and what names a run."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from composing import composed
from PIL import Image

from snnx.command.prepare import main as prepare
from snnx.compose.check import check
from snnx.dataset import folder
from snnx.dataset.published import NoData
from snnx.options.files import files
from snnx.run import outdated
from snnx.run.build import build_data, build_method
from snnx.run.execute import execute
from snnx.run.history import finished
from snnx.run.retest import retest

QUICK = ("trainer.max_epochs=1", "timesteps=2", "trainer.accelerator=cpu", "backbone.channels=[4]", "dataset.batch_size=8")


def data(root, *more):
    built = build_data(composed("dataset=folder", f"dataset.root='{root}'", *more).config)
    built.setup()
    return built


def everything(loader):
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def parts_of(built):
    return {part: everything(getattr(built, f"{part}_dataloader")()) for part in ("train", "val", "test")}


def inputs(built):
    """What the network gets of the test pictures."""
    return built.on_after_batch_transfer(everything(built.test_dataloader()), 0)[0]


def test_classes_alone_are_cut_into_parts(tmp_path, write_leaves):
    built = data(write_leaves(tmp_path), "dataset.validation=0.25")
    assert (built.classes, built.shape) == (3, (1, 12, 12))
    assert built.split_counts == {"train": 18, "val": 6, "test": 6}
    parts = parts_of(built)
    assert {part: labels.bincount().tolist() for part, (_, labels) in parts.items()} == {
        "train": [6, 6, 6], "val": [2, 2, 2], "test": [2, 2, 2],
    }  # fmt: skip
    together = torch.cat([images for images, _ in parts.values()]).flatten(1)
    assert len(together.unique(dim=0)) == 30, "no picture is in two parts"
    bright = torch.stack([parts["test"][0][:, 0, 4 * c : 4 * c + 4].int().sum((1, 2)) for c in range(3)], 1).argmax(1)
    assert torch.equal(bright, parts["test"][1]), "labels are those of the folders, by name"


def test_parts_depend_on_their_seed_alone(tmp_path, write_leaves):
    root = write_leaves(tmp_path)
    first, same, other = data(root), data(root, "seed=7"), data(root, "dataset.split_seed=1")
    assert first.split_hash == same.split_hash != other.split_hash
    assert data(root, "dataset.test=0.5").split_counts["test"] == 15
    shutil.move(root / "oak" / "0.png", root / "oak" / "z.png")
    assert data(root).split_hash != first.split_hash, "other files"


def test_a_folder_with_parts_is_not_cut(tmp_path, write_leaves):
    for part, each in (("train", 4), ("val", 2), ("test", 1)):
        write_leaves(tmp_path / part, each=each)
    built = data(tmp_path, "dataset.validation=0.5", "dataset.test=0.5")
    assert built.split_counts == {"train": 12, "val": 6, "test": 3}
    shutil.rmtree(tmp_path / "test")
    assert data(tmp_path, "dataset.validation=0.5").split_counts == {"train": 6, "val": 6, "test": 6}
    shutil.rmtree(tmp_path / "val")
    assert data(tmp_path, "dataset.validation=0.5", "dataset.test=0.5").split_counts == {"train": 3, "val": 3, "test": 6}


def test_facts(tmp_path, write_leaves):
    root = write_leaves(tmp_path / "leaves")
    (root / "oak" / "notes.txt").write_text("collected in May")
    assert data(root).facts == {
        "name": str(root), "classes": 3, "class_names": ["ash", "beech", "oak"], "shape": [1, 12, 12], "bits": 16,
        "other_files": 1,
    }  # fmt: skip
    assert data(root, "dataset.name=leaves").facts["name"] == "leaves"


def test_sixteen_bits_reach_the_network(tmp_path, write_leaves):
    """Two folders that differ only in the lowest bit of each pixel, by 1 / 65535."""
    a, b = write_leaves(tmp_path / "a"), write_leaves(tmp_path / "b")
    for path in b.rglob("*.png"):
        Image.fromarray(np.array(Image.open(path)) ^ 1).save(path)
    first, second = inputs(data(a)), inputs(data(b))
    assert first.dtype == torch.float32
    assert first.min() >= 0
    assert first.max() <= 1
    assert torch.allclose((first - second).abs() * 65535, torch.ones_like(first), atol=0.01)


def test_pictures_are_the_same_in_memory_and_on_demand(tmp_path, write_leaves, monkeypatch):
    root = write_leaves(tmp_path)
    kept = data(root, "dataset.side=9", "dataset.normalize=true")
    held = parts_of(kept)
    monkeypatch.setattr(folder, "MEMORY", 0)
    built = data(root, "dataset.side=9", "dataset.normalize=true")
    assert not isinstance(built._parts["train"][0], torch.Tensor)
    assert (built.split_hash, built.part_hash) == (kept.split_hash, kept.part_hash)
    on_demand = parts_of(built)
    for part in held:
        assert torch.equal(held[part][0], on_demand[part][0])
        assert torch.equal(held[part][1], on_demand[part][1])
    batch = built.on_after_batch_transfer(next(iter(built.train_dataloader())), 0)[0]
    assert torch.isfinite(batch).all()


def test_pictures_on_demand_are_compared_before_training(tmp_path, write_leaves, monkeypatch):
    monkeypatch.setattr(folder, "MEMORY", 0)
    root = write_leaves(tmp_path)
    Image.new("L", (12, 12)).save(root / "oak" / "9.png")
    with pytest.raises(ValueError, match=r"same bits a channel; got 16 in .* and 8 in .*/oak/9\.png; convert them"):
        data(root)


def test_normalised_training_pictures_have_mean_0_and_deviation_1(tmp_path, write_leaves):
    built = data(write_leaves(tmp_path), "dataset.normalize=true")
    images, _ = built.on_after_batch_transfer(everything(built.train_dataloader()), 0)
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert (built.facts["mean"], built.facts["std"]) == (built.mean, built.std)


@pytest.mark.parametrize("name", files("augmentation"))
def test_it_can_be_augmented(tmp_path, write_leaves, name):
    built = data(write_leaves(tmp_path), f"augmentation={name}")
    images, labels = built.on_after_batch_transfer(next(iter(built.test_dataloader())), 0)
    distorted, _ = built.augmentation(images, labels)
    assert distorted.shape == images.shape
    assert torch.isfinite(distorted).all()


@pytest.mark.parametrize("name", [name for name in files("encoding") if name != "events"])
def test_it_can_be_encoded(tmp_path, write_leaves, name):
    job = composed("dataset=folder", f"dataset.root='{write_leaves(tmp_path)}'", f"encoding={name}")
    check(job)
    built = build_data(job.config)
    built.setup()
    method = build_method(job.config, built)
    method.encoding.begin_evaluation()
    assert method(inputs(built)).shape == (6, 3)


@pytest.mark.parametrize("name", files("backbone"))
def test_the_head_of_every_backbone_has_a_score_for_each_class(tmp_path, write_leaves, name):
    """Of rectangles, too: 32 x 64 pixels in colour."""
    draw = np.random.default_rng(0)
    for path in write_leaves(tmp_path, classes=list("abcd"), each=3, side=16).rglob("*.png"):
        Image.fromarray(draw.integers(0, 255, (32, 64, 3), dtype=np.uint8)).save(path)
    job = composed("dataset=folder", f"dataset.root='{tmp_path}'", f"backbone={name}", "budget.width=0.25")
    check(job)
    built = build_data(job.config)
    built.setup()
    method = build_method(job.config, built)
    assert built.shape == (3, 32, 64)
    assert method(inputs(built)).shape == (2, 4)


def test_a_run_and_what_names_it(tmp_path, write_leaves, monkeypatch):
    monkeypatch.chdir(tmp_path)
    leaves, others = write_leaves(tmp_path / "leaves"), write_leaves(tmp_path / "others", classes=("fir", "yew"))
    words = ("dataset=folder", *QUICK)
    job, other = composed(*words, "dataset.root=leaves"), composed(*words, "dataset.root=others")
    assert job.id != other.id
    assert job.group != other.group
    assert job.row != other.row
    assert job.link != other.link
    first = execute(job)
    assert first["status"] == "done", first["error"]
    assert first["data"]["class_names"] == ["ash", "beech", "oak"]
    assert execute(other)["data"]["class_names"] == ["fir", "yew"]
    assert finished(job) == first, "the other folder has not touched it"
    assert retest(job.folder, [])["metrics"]["test/acc"] == first["metrics"]["test/acc"]

    named = composed(*words, "dataset.root=leaves", "dataset.name=leaves")
    assert named.id == composed(*words, f"dataset.root={others}", "dataset.name=leaves").id
    assert named.id not in (job.id, other.id)

    Image.open(leaves / "oak" / "0.png").save(leaves / "oak" / "new.png")
    outdated._stamp.cache_clear()  # as in the next process
    assert outdated.outdated(job) == "leaves/oak/new.png changed"


@pytest.mark.parametrize("layout", ["", "train"])
def test_a_new_class_is_noticed(tmp_path, write_leaves, monkeypatch, layout):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "leaves"
    write_leaves(root / layout)
    job = composed("dataset=folder", "dataset.root=leaves", *QUICK)
    assert execute(job)["status"] == "done"
    outdated._stamp.cache_clear()
    (root / ".snnx_cache").mkdir(exist_ok=True)
    assert outdated.outdated(job) is None
    shutil.copytree(root / layout / "oak", root / layout / "yew")
    outdated._stamp.cache_clear()
    assert outdated.outdated(job).startswith(f"{Path('leaves', layout, 'yew', '0.png')} changed, and ")


def test_a_new_part_is_noticed(tmp_path, write_leaves, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for part in ("train", "test"):
        write_leaves(tmp_path / "leaves" / part)
    job = composed("dataset=folder", "dataset.root=leaves", *QUICK)
    assert execute(job)["status"] == "done"
    write_leaves(tmp_path / "leaves" / "val")
    outdated._stamp.cache_clear()
    assert outdated.outdated(job).startswith("leaves/val/ash/0.png changed, and ")


def test_a_folder_that_can_no_longer_be_read_counts_as_changed(tmp_path, write_leaves, monkeypatch):
    monkeypatch.chdir(tmp_path)
    leaves = write_leaves(tmp_path / "leaves")
    job = composed("dataset=folder", "dataset.root=leaves", *QUICK)
    assert execute(job)["status"] == "done"
    for picture in (leaves / "oak").iterdir():
        picture.unlink()
    outdated._stamp.cache_clear()
    assert outdated.outdated(job).startswith("the files of dataset folder cannot be read (")


def test_a_folder_that_is_not_here_is_no_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = composed("dataset=folder", "dataset.root=nowhere", *QUICK)
    check(job)
    result = execute(job)
    assert result["status"] == "no data"
    assert result["error"]["message"].startswith(f"folder: {tmp_path}/nowhere must exist")
    with pytest.raises(NoData, match=f"folder: {tmp_path}/nowhere must exist"):
        build_data(job.config).content()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dataset.root=null", "Folder: root must be a folder of pictures by class; got null; set dataset.root"),
        ("dataset.test=1", r"Folder: test must lie in \(0, 1\); got 1"),
        ("dataset.side=0", "Folder: side must be at least 1, or null; got 0"),
        ("dataset.channels=2", "Folder: channels must be 1, 3 or null; got 2"),
    ],
)
def test_settings_that_are_rejected(tmp_path, write_leaves, word, message):
    with pytest.raises(ValueError, match=message):
        check(composed("dataset=folder", f"dataset.root='{write_leaves(tmp_path)}'", word))


def test_prepare_counts_and_names_what_is_wrong(tmp_path, write_leaves, capsys):
    root = write_leaves(tmp_path / "leaves")
    assert prepare(["folder", "--root", str(root)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"found   {root}: 30 pictures in 3 classes; height and width 12x12; channels 1; bits 16",
        "found   ash: 10 pictures",
        "found   beech: 10 pictures",
        "found   oak: 10 pictures",
    ]
    (root / "oak" / "0.png").write_bytes(b"")
    (root / "oak" / "notes.txt").write_text("")
    Image.new("RGB", (20, 10)).save(root / "oak" / "1.png")
    assert prepare(["folder", "--root", str(root)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"found   {root}: 30 pictures, 1 of them damaged, in 3 classes; ")
    assert lines[0].endswith("; height and width 10x20 to 12x12: set dataset.side; channels 1 and 3; bits 8 and 16")
    assert lines[4] == f"found   files that are not read: 1, such as {root}/oak/notes.txt"
    different = f"got 8 in {root}/oak/1.png and 16 in {root}/ash/0.png"
    assert lines[5] == f"mixed   pictures must have the same bits a channel; {different}"
    assert lines[6] == f"found   pictures that are not 12x12: 1, such as {root}/oak/1.png with 10x20"
    assert lines[7].startswith(f"damaged {root}/oak/0.png: must be a picture; got ")
    assert not (root / ".snnx-prepare.lock").exists()


def test_prepare_counts_parts_and_makes_no_folder(tmp_path, write_leaves, capsys):
    for part, each in (("train", 3), ("val", 2), ("test", 1)):
        write_leaves(tmp_path / "leaves" / part, each=each)
    assert prepare(["folder", "--root", str(tmp_path / "leaves")]) == 0
    assert "found   oak: 3 train, 2 val, 1 test" in capsys.readouterr().out
    assert prepare(["folder", "--root", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().out.startswith(f"missing folder: {tmp_path}/nowhere must exist")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "leaves" / "trian").mkdir()
    assert prepare(["folder", "--root", str(tmp_path / "leaves")]) == 1
    assert capsys.readouterr().out.startswith("damaged folder: ")
