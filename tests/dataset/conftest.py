"""Writers of tiny files in the publishers' formats."""

import pickle
import struct
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from snnx.dataset.binning import EVENT


@pytest.fixture
def write_idx():
    """The idx format: 0x0800 + dimensions, each size as a big-endian int32, then the bytes."""

    def write(path: Path, values: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = np.array([0x0800 + values.ndim, *values.shape], dtype=">i4").tobytes()
        path.write_bytes(header + values.astype(np.uint8).tobytes())

    return write


@pytest.fixture
def write_mnist(write_idx):
    """A partial copy: image i is filled with i, its label is i mod 10."""

    def write(raw: Path, train: int, test: int) -> None:
        for prefix, samples in (("train", train), ("t10k", test)):
            level = np.arange(samples)
            write_idx(raw / f"{prefix}-images-idx3-ubyte", np.broadcast_to(level[:, None, None], (samples, 28, 28)))
            write_idx(raw / f"{prefix}-labels-idx1-ubyte", level % 10)

    return write


@pytest.fixture
def write_cifar():
    """One batch: image i is filled with i, i + 1 and i + 2 in its three channels."""

    def write(path: Path, samples: int, *, key: str = "labels", classes: int = 10, protocol: int = 2) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        level = np.arange(samples)[:, None, None] + np.arange(3)[None, :, None]
        data = np.broadcast_to(level, (samples, 3, 1024)).reshape(samples, 3072).astype(np.uint8)
        batch = {"data": data, key: [i % classes for i in range(samples)], "filenames": ["a.png"] * samples}
        path.write_bytes(pickle.dumps(batch, protocol=protocol))

    return write


@pytest.fixture
def spikingjelly_events(monkeypatch):
    """SpikingJelly's data sets as an oracle. Its package imports torchaudio for speech, often built for another torch."""
    if "torchaudio" not in sys.modules:
        monkeypatch.setitem(sys.modules, "torchaudio", ModuleType("torchaudio"))
    return pytest.importorskip("spikingjelly.datasets")


@pytest.fixture
def random_events():
    """Events sorted by time, inside a square sensor."""

    def make(seed: int, number: int = 200, pixels: int = 34, last_us: int = 300_000) -> np.ndarray:
        draw = np.random.default_rng(seed)
        events = np.empty(number, EVENT)
        for name, high in (("x", pixels), ("y", pixels), ("p", 2)):
            events[name] = draw.integers(high, size=number)
        events["t"] = np.sort(draw.integers(last_us, size=number))
        return events

    return make


@pytest.fixture
def write_bin():
    """N-MNIST's format: 40 bits an event, x, y, one bit polarity, 23 bits µs, big-endian; y = 240 marks 2^13 µs of overflow."""

    def write(path: Path, events: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        t = events["t"].astype(np.int64)
        columns = [events["x"], events["y"], (events["p"].astype(int) << 7) | (t >> 16), (t >> 8) & 255, t & 255]
        path.write_bytes(np.stack(columns, axis=1).astype(np.uint8).tobytes())

    return write


@pytest.fixture
def write_npz():
    """SpikingJelly's conversion."""

    def write(path: Path, events: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{name: events[name] for name in "txyp"})

    return write


@pytest.fixture
def write_npy():
    """tonic's DVS128 Gesture: rows of x, y, p, and t in ms."""

    def write(path: Path, events: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = [events["x"], events["y"], events["p"], events["t"] // 1000]
        np.save(path, np.stack(columns, axis=1).astype(np.int64))

    return write


@pytest.fixture
def write_aedat2():
    """CIFAR10-DVS: big-endian pairs of address and µs; the screen stood upside down."""

    def write(path: Path, events: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        address = ((127 - events["x"].astype(int)) << 8) | ((127 - events["y"].astype(int)) << 1) | ~events["p"]
        words = np.stack([address, events["t"]], axis=1).astype(">u4")
        path.write_bytes(b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n" + words.tobytes())

    return write


@pytest.fixture
def write_aedat3():
    """DVS128 Gesture: packets of little-endian events, and others than of pixels among them."""

    def write(path: Path, events: np.ndarray, packet: int = 64) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2016-01-01\r\n#!END-HEADER\r\n"
        content += struct.pack("<HHIIIIII", 0, 1, 8, 4, 0, 1, 1, 1) + bytes(8)  # a special event
        for start in range(0, len(events), packet):
            some = events[start : start + packet]
            data = (some["x"].astype(int) << 17) | (some["y"].astype(int) << 2) | (some["p"].astype(int) << 1) | 1
            content += struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, len(some), len(some), len(some))
            content += np.stack([data, some["t"]], axis=1).astype("<u4").tobytes()
        path.write_bytes(content)

    return write


@pytest.fixture
def write_leaves():
    """Grey pictures of 16 bits, `root/CLASS/*.png`, of which each class has its own bright rows."""

    def write(root: Path, classes=("ash", "beech", "oak"), each: int = 10, side: int = 12) -> Path:
        draw = np.random.default_rng(0)
        for number, name in enumerate(classes):
            for i in range(each):
                values = draw.integers(0, 20_000, (side, side))
                values[4 * number : 4 * number + 4] += 40_000
                (root / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(values.astype(np.uint16)).save(root / name / f"{i}.png")
        return root

    return write
