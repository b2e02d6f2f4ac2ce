"""Contract of the sets that lie in files: partial copies load, missing files name the remedy, facts are right."""

import pytest
import torch
import torchvision
from omegaconf import OmegaConf

from snnx.augmentation.none import none
from snnx.dataset.cifar10 import CIFAR10
from snnx.dataset.cifar100 import CIFAR100
from snnx.dataset.fashion_mnist import FashionMNIST
from snnx.dataset.mnist import MNIST
from snnx.options.folders import shipped
from snnx.run.component import component

SETS = {"mnist": MNIST, "fashion_mnist": FashionMNIST, "cifar10": CIFAR10, "cifar100": CIFAR100}


def build(option, root):
    config = OmegaConf.create({"seed": 0, "augmentation": {"_target_": "snnx.augmentation.none.none", "_partial_": True}})
    config.dataset = OmegaConf.load(shipped("conf") / "dataset" / f"{option}.yaml")
    config.dataset.root = str(root)
    return component(OmegaConf.to_container(config, resolve=True), "dataset")


@pytest.fixture
def root(tmp_path, write_mnist, write_cifar):
    write_mnist(tmp_path / "MNIST/raw", 40, 20)
    write_mnist(tmp_path / "FashionMNIST/raw", 30, 20)
    for number in range(1, 6):
        write_cifar(tmp_path / f"cifar-10-batches-py/data_batch_{number}", 10)
    write_cifar(tmp_path / "cifar-10-batches-py/test_batch", 20)
    write_cifar(tmp_path / "cifar-100-python/train", 200, key="fine_labels", classes=100)
    write_cifar(tmp_path / "cifar-100-python/test", 100, key="fine_labels", classes=100)
    return tmp_path


@pytest.mark.parametrize(
    ("option", "counts"),
    [
        ("mnist", {"train": 36, "val": 4, "test": 20}),
        ("fashion_mnist", {"train": 27, "val": 3, "test": 20}),
        ("cifar10", {"train": 45, "val": 5, "test": 20}),
        ("cifar100", {"train": 180, "val": 20, "test": 100}),
    ],
)
def test_a_partial_copy_loads_with_its_real_counts(root, option, counts):
    dataset = build(option, root)
    dataset.setup()
    assert type(dataset) is SETS[option]
    assert dataset.split_counts == counts
    images = torch.cat([images for images, _ in dataset.test_dataloader()])
    assert images.shape == (counts["test"], *dataset.shape)
    assert images[:, 0, 3, 3].tolist() == list(range(counts["test"]))  # the publisher's order


@pytest.mark.parametrize("option", SETS)
def test_a_missing_file_names_path_layout_and_command(root, option):
    path = root / SETS[option].files[-1].path
    path.unlink()
    command = f"snnx prepare {option} --root {root}"
    message = rf"^{option}: {path} must exist; expected below {root}: [^;\n]*; fetch once with: {command}$"
    with pytest.raises(FileNotFoundError, match=message):
        build(option, root).setup()


def test_no_root_is_refused():
    dataset = MNIST(root=None, batch_size=4, validation=0.1, normalize=False, augmentation=none, seed=0)
    with pytest.raises(ValueError, match=r"mnist: root must be a folder; got null; set dataset\.root or SNNX_DATA"):
        dataset.setup()


def test_a_truncated_file_is_named(root):
    path = root / "MNIST/raw/t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"{path}: must be a complete idx file; got 1000 bytes"):
        build("mnist", root).setup()


def test_labels_of_another_part_are_noticed(root):
    raw = root / "MNIST/raw"
    (raw / "t10k-labels-idx1-ubyte").write_bytes((raw / "train-labels-idx1-ubyte").read_bytes())
    with pytest.raises(ValueError, match="MNIST: test must have a label for each image; got 20 images and 40 labels"):
        build("mnist", root).setup()


def test_files_of_another_set_are_noticed(root):
    (root / "cifar-10-batches-py/test_batch").write_bytes((root / "cifar-100-python/test").read_bytes())
    with pytest.raises(ValueError, match=r"CIFAR10: test labels must lie in 0\.\.9; got 0 to 99"):
        build("cifar10", root).setup()


def test_images_of_another_size_are_noticed(root, write_idx):
    write_idx(root / "MNIST/raw/train-images-idx3-ubyte", torch.zeros(40, 8, 8).numpy())
    with pytest.raises(ValueError, match=r"MNIST: train images must be \(1, 28, 28\); got \(1, 8, 8\)"):
        build("mnist", root).setup()


@pytest.mark.parametrize("option", ["cifar10", "cifar100"])
def test_checksums_are_the_published_ones(option):
    """Golden: torchvision's own list; for MNIST it lists those of the packed files only."""
    official = getattr(torchvision.datasets, option.upper())
    published = dict(official.train_list + official.test_list)
    ours = {file.path.removeprefix(f"{official.base_folder}/"): file.md5 for file in SETS[option].files}
    assert ours == published
    assert all(file.url == official.url for file in SETS[option].files)


@pytest.mark.parametrize("option", ["mnist", "fashion_mnist"])
def test_file_names_and_addresses_are_the_published_ones(option):
    official = getattr(torchvision.datasets, SETS[option].__name__)
    assert [file.url for file in SETS[option].files] == [official.mirrors[0] + name for name, _ in official.resources]


@pytest.mark.parametrize("dataset", SETS.values())
def test_the_files_hold_the_official_counts(dataset):
    train, test = dataset.counts
    trains = [file.samples for file in dataset.files if "train" in file.path or "data_batch" in file.path]
    tests = [file.samples for file in dataset.files if "t10k" in file.path or "test" in file.path]
    parts = 2 if dataset in (MNIST, FashionMNIST) else 1  # images and labels
    assert (sum(trains), sum(tests)) == (parts * train, parts * test)
    assert len(dataset.mean) == len(dataset.std) == dataset.shape[0]
