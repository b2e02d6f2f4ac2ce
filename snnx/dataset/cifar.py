"""Reads the pickled batches in which CIFAR-10 and CIFAR-100 are published."""

import io
import pickle
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets.utils import download_url

from snnx.dataset.unpack import unpack

BYTE = ("u1", "|u1")  # how a pickle names the dtype uint8
LARGEST = 2**30  # bytes of a batch that are read; a file of a few bytes on disk can have any size
LONGEST = 200  # number of characters that are shown of another library's message, which may repeat the file
MOST = 1_000_000  # largest number of samples in a batch; the published batches have at most 50,000


class PickledDtype:
    """The name of an array's dtype."""

    def __init__(self, name: str, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order, which bytes do not have."""


class PickledArray:
    """The shape, dtype and bytes of an array. They are checked before NumPy sees them; an invalid array can crash it."""

    def __init__(self, data: object = None, dtype: object = None, shape: object = (), order: object = "C") -> None:
        self.shape, self.dtype, self.data, self.transposed = shape, dtype, data, order != "C"

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.transposed, self.data = state

    def values(self) -> np.ndarray:
        """Return the array `[N, 3072]`, uint8.

        Raises:
            ValueError: it is another array.
        """
        if not isinstance(self.dtype, PickledDtype) or self.dtype.name not in BYTE or self.transposed:
            raise ValueError("data of another type than bytes, or in another order")
        data = self.data.encode("latin1") if type(self.data) is str else self.data
        if not isinstance(data, bytes | bytearray):  # bytes(10**9) would make a billion bytes
            raise ValueError(f"data as {type(data).__name__}")
        if self.shape != (len(data) // 3072, 3072) or len(data) % 3072:
            raise ValueError(f"{len(data)} bytes in another shape than [N, 3072]")
        return np.frombuffer(data, np.uint8).reshape(self.shape)


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding}")
    return text.encode("latin1")


ALLOWED = {
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): PickledDtype,
    ("numpy.core.multiarray", "_reconstruct"): lambda kind, shape, code: PickledArray(),
    ("numpy.core.numeric", "_frombuffer"): PickledArray,
    ("_codecs", "encode"): _encode,
}
"""Our stand-ins for the functions that a pickled array names. Without them, a pickle could call any function by its name."""


class ArrayUnpickler(pickle._Unpickler):
    """Unpickles numbers, strings, lists, dicts and arrays, and rejects everything else.

    It is based on the unpickler that is written in Python; the one in C allocates whatever memory a damaged file asks for. Only
    texts are allowed as keys, because a few bytes can describe a tuple nested so that hashing it never ends.
    """

    dispatch: ClassVar[dict[int, Callable]] = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if bytes([code]) not in (pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET)
    }

    def _load_setitem(self) -> None:
        _only_texts(self.stack[-2:-1])
        self.load_setitem()

    def _load_setitems(self) -> None:
        _only_texts(self.stack[::2])  # the keys among the values after the last mark
        self.load_setitems()

    def _load_dict(self) -> None:
        _only_texts(self.stack[::2])
        self.load_dict()

    def _load_build(self) -> None:
        if not isinstance(self.stack[-2], PickledArray | PickledDtype):
            raise pickle.UnpicklingError("attributes of something that is no array")
        self.load_build()

    def _load_bytearray(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(size)))  # Python's own loader would allocate the size that the file claims

    dispatch[pickle.BYTEARRAY8[0]] = _load_bytearray
    dispatch[pickle.SETITEM[0]], dispatch[pickle.SETITEMS[0]] = _load_setitem, _load_setitems
    dispatch[pickle.DICT[0]], dispatch[pickle.BUILD[0]] = _load_dict, _load_build

    def find_class(self, module: str, name: str) -> object:
        key = (module.replace("numpy._core", "numpy.core"), name)
        if key not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return ALLOWED[key]


def _only_texts(keys: Sequence[object]) -> None:
    if not all(type(key) is str for key in keys):
        raise pickle.UnpicklingError("a key that is no text")


def fetch(official: type, folder: str) -> None:
    """Download the archive of torchvision's class of the data set, and unpack it into `folder`."""
    download_url(official.url, folder, official.filename, official.tgz_md5)
    unpack(Path(folder) / official.filename, Path(folder))


def read(paths: Iterable[Path]) -> tuple[Tensor, Tensor]:
    """Return the images `[N, 3, 32, 32]`, uint8, and labels `[N]`, int64, of several batches, concatenated.

    Raises:
        ValueError: a file is truncated, or is not a CIFAR batch.
    """
    batches = [_read_batch(path) for path in paths]
    return torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches])


def samples_in(path: Path) -> int:
    """Return the number of samples in one batch."""
    return len(_read_batch(path)[1])


def _read_batch(path: Path) -> tuple[Tensor, Tensor]:
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ValueError(f"a file of {size:,} bytes, and it must have at most {LARGEST:,}")
        return _unpack(path.read_bytes())
    except Exception as error:  # a damaged pickle can make Python's unpickler raise almost any error
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]
        raise ValueError(f"{path}: must be a complete CIFAR batch; got {reason}; remove it and fetch it again") from None


def _unpack(content: bytes) -> tuple[Tensor, Tensor]:
    batch = ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()  # the publisher wrote them under Python 2
    labels = batch["fine_labels"] if "fine_labels" in batch else batch["labels"]
    if not isinstance(labels, list) or len(labels) > MOST or not all(type(label) is int for label in labels):
        raise ValueError("labels that are no list of integers")
    images = torch.from_numpy(batch["data"].values().reshape(-1, 3, 32, 32).copy())
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images and {len(labels)} labels")
    return images, torch.tensor(labels)
