"""Files of torch whose values refer to one another twice, forty times: 300 bytes that stand for 10**12 values."""

import io
import pickle
import zipfile

import torch
from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION

DEPTH = 40


def doubled(pair):
    """`pair(x, x)` of `pair(x, x)` of …, for example 40 lists that each contain the one before twice."""
    value = pair(1, 1)
    for _ in range(DEPTH):
        value = pair(value, value)
    return value


AS_VALUE = {"tuples": lambda a, b: (a, b), "lists": lambda a, b: [a, b], "dicts": lambda a, b: {"a": a, "b": b}}
A, HEX = b"X\x01\x00\x00\x00a", b"X\x03\x00\x00\x00hex"
PICKLES = {
    **{name: pickle.dumps({"a": doubled(pair), "snnx_run": doubled(pair)}, 2) for name, pair in AS_VALUE.items()},
    # {(): 1, ((), ()): 1, (((), ()), ((), ())): 1, …}: Python hashes each key, and no signal stops it
    "key": b"\x80\x02}()q\x00K\x01" + b"".join(b"h%ch%c\x86q%cK\x01" % (n, n, n + 1) for n in range(DEPTH)) + b"u.",
    # encode(encode(… "a" …, "hex"), "hex"): each call doubles the bytes
    "hex": b"\x80\x02}(" + A + b"c_codecs\nencode\n" * DEPTH + A + (HEX + b"\x86R") * DEPTH + b"u.",
    # bytearray(10**12)
    "bytearray": b"\x80\x02}(" + A + b"cbuiltins\nbytearray\n\x8a\x06" + (10**12).to_bytes(6, "little") + b"\x85Ru.",
}


def as_archive(pickled: bytes) -> bytes:
    """The file that torch writes today, with another pickle in it."""
    made, file = io.BytesIO(), io.BytesIO()
    torch.save({}, made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, pickled if entry.filename.endswith("data.pkl") else old.read(entry))
    return file.getvalue()


def as_old_file(pickled: bytes) -> bytes:
    """The file that torch wrote before its version 1.6."""
    facts = {"protocol_version": PROTOCOL_VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return b"".join([pickle.dumps(one, 2) for one in (MAGIC_NUMBER, PROTOCOL_VERSION, facts)] + [pickled, pickle.dumps([], 2)])


FORMS = {"archive": as_archive, "old": as_old_file}
