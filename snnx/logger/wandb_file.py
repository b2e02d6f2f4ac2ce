"""What the files of Weights & Biases hold: its log of a run, kept beside the run whether it is online or not."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768  # LevelDB's log format: records never cross a block, but in pieces
HEAD = struct.Struct("<IHB")  # CRC-32 of kind and piece, length of the piece, kind
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
OPENING = 7  # bytes before the first record: `:W&B`, a magic number, a version


def parts(folder: Path) -> list[Path]:
    """The `.wandb` files of a run's folder, one an attempt, in the order of their starts."""
    return sorted(folder.glob("wandb/*run-*/run-*.wandb"), key=lambda path: path.parent.name.removeprefix("offline-"))


def rows(folder: Path) -> dict[int, dict[str, float]]:
    """What has been logged of a run, over all its attempts: epoch -> row."""
    found: dict[int, dict[str, float]] = {}
    for path in parts(folder):
        for record in records(path):
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                row = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}
                if "epoch" in row:
                    found.setdefault(row["epoch"], {}).update(row)
    return found


def records(path: Path) -> Iterator[Record]:
    """The records of one file, up to the first that is torn or damaged.

    Raises:
        ValueError: it is no file of W&B.
    """
    for message in _messages(path):
        yield Record.FromString(message)


def _messages(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    if len(data) < OPENING:
        return  # the writer was killed before it wrote anything
    if data[:4] != b":W&B":
        raise ValueError(f"{path}: must begin with :W&B; got {data[:4]!r}")
    place, joined = OPENING, b""
    while place + HEAD.size <= len(data):
        room = BLOCK - place % BLOCK
        if room < HEAD.size:  # too little for a head: zeros up to the next block
            place += room
            continue
        crc, length, kind = HEAD.unpack_from(data, place)
        piece = data[place + HEAD.size : place + HEAD.size + length]
        if len(piece) < length or zlib.crc32(piece, zlib.crc32(bytes([kind]))) != crc:
            return  # the writer was killed here
        place += HEAD.size + length
        joined = piece if kind in (WHOLE, FIRST) else joined + piece
        if kind in (WHOLE, LAST):
            yield joined
