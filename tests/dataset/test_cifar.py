"""Contract: batches are read whatever wrote them, damaged ones are named, and a pickle cannot run code."""

import contextlib
import hashlib
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from snnx.command.prepare import main as prepare
from snnx.dataset import cifar
from snnx.dataset.cifar10 import CIFAR10


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("key", ["labels", "fine_labels"])
def test_batches_are_read_one_after_the_other(tmp_path, write_cifar, protocol, key):
    for name, samples in (("a", 3), ("b", 12)):
        write_cifar(tmp_path / name, samples, key=key, protocol=protocol)
    images, labels = cifar.read([tmp_path / "a", tmp_path / "b"])
    assert images.shape == (15, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert labels.tolist() == [0, 1, 2, *range(10), 0, 1]
    assert images[:, :, 7, 9].tolist()[:4] == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [0, 1, 2]]
    assert cifar.samples_in(tmp_path / "b") == 12


def test_the_names_of_the_first_numpy_are_understood(tmp_path, write_cifar):
    """The published files were written when NumPy's private module was `numpy.core`."""
    path = tmp_path / "a"
    write_cifar(path, 2)
    path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert len(cifar.read([path])[0]) == 2


def test_a_batch_with_a_hole_is_not_read(tmp_path, write_cifar):
    path = tmp_path / "data_batch_1"
    write_cifar(path, 4)
    os.truncate(path, 60 * 2**30)
    with pytest.raises(ValueError, match="must be a complete CIFAR batch; got ValueError: a file of 64,424,509,440"):
        cifar.read([path])


@pytest.mark.parametrize("keep", [0, 1, 50, 3000])
def test_a_truncated_batch_is_named(tmp_path, write_cifar, keep):
    path = tmp_path / "data_batch_1"
    write_cifar(path, 4)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"data_batch_1: must be a complete CIFAR batch; got .*; remove it and fetch it again"):
        cifar.read([path])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"labels": [1]}, "'data'"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "2 images and 1 labels"),
        ({"data": np.zeros((2, 100), np.uint8), "labels": [1, 1]}, "200 bytes in another shape"),
        ({"data": np.zeros((1, 3072), np.float32), "labels": [1]}, "another type than bytes"),
        ({"data": np.zeros((3072, 2), np.uint8).T, "labels": [1, 1]}, "in another order"),
        ({"data": np.array([[{}] * 3072]), "labels": [1]}, "another type than bytes"),
        ({"data": [[0] * 3072], "labels": [1]}, "values"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [[1]]}, "no list of integers"),
        ([1, 2], "indices"),
    ],
)
def test_another_content_is_named(tmp_path, content, reason):
    (tmp_path / "test").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=rf"^[^\n]*test: must be a complete CIFAR batch; got [^\n]*{reason}"):
        cifar.read([tmp_path / "test"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"}" + b"(" + b"lp0\n" + b"", "EOFError"),
        (b"})q\x00" + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60)) + b"h\x3cK\x01s.", "a key that is no text"),
        (b"\x8f.", "KeyError"),  # an empty set
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-7tR.", "UnpicklingError: bytes in the encoding utf-7"),
        (b"c_codecs\nencode\n}X\x01\x00\x00\x00aK\x01sb.", "attributes of something that is no array"),
        (b"\x96" + (2**36).to_bytes(8, "little") + b".", ""),  # 64 GiB of bytes that the file does not have
        (b"}X\x04\x00\x00\x00dataX" + bytes([0xFF, 0xFF, 0xFF, 0x7F]), ""),
    ],
    ids=["cut", "pairs of pairs", "set", "encoding", "attributes", "long", "long text"],
)
def test_a_pickle_cannot_take_all_time_or_memory(tmp_path, content, reason):
    (tmp_path / "test").write_bytes(content)
    with pytest.raises(ValueError, match=rf"^[^\n]*test: must be a complete CIFAR batch; got [^\n]*{reason}") as error:
        cifar.read([tmp_path / "test"])
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("data", [2**36, [0] * 3072, None, ((),)], ids=["number", "list", "none", "tuple"])
def test_the_bytes_of_an_array_are_bytes(data):
    array = cifar.PickledArray(data, cifar.PickledDtype("u1"), (2**36 // 3072, 3072))
    with pytest.raises(ValueError, match=f"^data as {type(data).__name__}$"):
        array.values()


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def test_a_pickle_cannot_call_what_it_likes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test").write_bytes(pickle.dumps({"data": Attack(), "labels": []}))
    with pytest.raises(ValueError, match="mkdir is not part of an array"):
        cifar.read([tmp_path / "test"])
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # the unpickler in C would make a table of 2**31 entries for this
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x0f.",  # announces 2**60 bytes
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I-1\ntU\x01OtR.",
    ],
)
def test_a_pickle_that_asks_for_too_much_is_named(tmp_path, content):
    (tmp_path / "test").write_bytes(content)
    with pytest.raises(ValueError, match="must be a complete CIFAR batch; got "):
        cifar.read([tmp_path / "test"])


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_with_changed_bytes_is_read_or_named(tmp_path, write_cifar, seed):
    """Three random bytes outside the pixels change, 200 times. Each file is read or rejected; none crashes the process."""
    write_cifar(tmp_path / "whole", 2)
    whole = (tmp_path / "whole").read_bytes()
    generator = np.random.default_rng(seed)
    for _ in range(200):
        changed = bytearray(whole)
        for place in generator.choice([*range(200), *range(len(whole) - 200, len(whole))], 3):
            changed[place] = generator.integers(256)
        (tmp_path / "changed").write_bytes(changed)
        with contextlib.suppress(ValueError):
            images, labels = cifar.read([tmp_path / "changed"])
            assert images.shape[1:] == (3, 32, 32)
            assert len(labels) == len(images)


def test_the_archive_of_cifar_is_unpacked(tmp_path, monkeypatch, capsys, write_cifar):
    names = [Path(file.path).name for file in CIFAR10.files]
    for name in names:
        write_cifar(tmp_path / "cifar-10-batches-py" / name, 20)
    root = tmp_path / "data"
    root.mkdir()
    with tarfile.open(root / "cifar-10-python.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "cifar-10-batches-py", "cifar-10-batches-py")
    checksum = hashlib.md5((root / "cifar-10-python.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "tgz_md5", checksum)
    assert prepare(["cifar10", "--root", str(root)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["partial"] * 6
