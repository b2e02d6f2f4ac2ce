"""The contract of the group: every option of conf/dataset, as a small copy in its publisher's format, passes these tests."""

import numpy as np
import pytest
import yaml
from composing import composed
from PIL import Image

from snnx.dataset.cifar10_dvs import CLASSES as THINGS
from snnx.options.files import files
from snnx.run.build import build_data
from snnx.testing import dataset

SMALL = {"dvs128_gesture": ["dataset.size=16"], "cifar10_dvs": ["dataset.size=16"], "imagenet": ["dataset.normalize=false"]}
"""Overrides that keep the samples small."""


@pytest.fixture
def write(request, tmp_path, random_events):
    """Write a small copy of a data set below the root; `digits`, `event_digits` and `yin_yang` need none."""
    draw = np.random.default_rng(0)

    def writer(name):
        return request.getfixturevalue(f"write_{name}")

    def mnist(folder):
        for prefix, samples in (("train", 30), ("t10k", 20)):
            writer("idx")(tmp_path / folder / f"raw/{prefix}-images-idx3-ubyte", draw.integers(256, size=(samples, 28, 28)))
            writer("idx")(tmp_path / folder / f"raw/{prefix}-labels-idx1-ubyte", np.arange(samples) % 10)

    def cifar(folder, batches, **form):
        for number, batch in enumerate(batches):
            writer("cifar")(tmp_path / folder / batch, 30 - number, **form)

    def recordings(write, pattern, names, each):
        for label, name in enumerate(names):
            for number in range(each):
                write(tmp_path / pattern.format(name, number), random_events(10 * label + number))

    def photographs(folder, pattern):
        for label in range(3):
            for number in range(4):
                for part in ("train", "val"):
                    path = tmp_path / folder / part / pattern.format(f"n0{label}", number)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(draw.integers(256, size=(64, 64, 3), dtype=np.uint8)).save(path)

    def nmnist():
        recordings(writer("bin"), "NMNIST/Train/{}/{}.bin", "0123456789", 3)
        recordings(writer("bin"), "NMNIST/Test/{}/9{}.bin", "0123456789", 2)

    def dvs128_gesture():
        recordings(writer("npz"), "DVS128Gesture/events_np/train/{}/{}.npz", range(11), 3)
        recordings(writer("npz"), "DVS128Gesture/events_np/test/{}/9{}.npz", range(11), 2)

    return {
        "mnist": lambda: mnist("MNIST"),
        "fashion_mnist": lambda: mnist("FashionMNIST"),
        "cifar10": lambda: cifar("cifar-10-batches-py", [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]),
        "cifar100": lambda: cifar("cifar-100-python", ["train", "test"], key="fine_labels", classes=100),
        "nmnist": nmnist,
        "dvs128_gesture": dvs128_gesture,
        "cifar10_dvs": lambda: recordings(writer("npz"), "CIFAR10DVS/events_np/{0}/cifar10_{0}_{1}.npz", THINGS, 10),
        "tiny_imagenet": lambda: photographs("tiny-imagenet-200", "{0}/{0}_{1}.JPEG"),
        "imagenet": lambda: photographs("imagenet", "{0}/{0}_{1}.JPEG"),
        "folder": lambda: writer("leaves")(tmp_path),
        "digits": lambda: None,
        "event_digits": lambda: None,
        "yin_yang": lambda: None,
    }


@pytest.mark.parametrize("name", files("dataset"))
def test_it_is_a_data_set(tmp_path, write, name):
    write[name]()
    keys = yaml.safe_load(files("dataset")[name].read_text())
    given = {"root": f"'{tmp_path}'", "validation": 0.2}
    words = [f"dataset.{key}={value}" for key, value in given.items() if key in keys]
    config = composed(f"dataset={name}", *words, *SMALL.get(name, [])).config
    for contract in dataset.CONTRACTS:
        contract(lambda: build_data({**config, "budget": {"samples": 1.0}}))
