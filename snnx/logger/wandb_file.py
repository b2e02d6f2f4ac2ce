"""Reads the files in which Weights & Biases keeps its log of a run, in the run's folder, online and offline."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

from snnx.record.read import read

BLOCK = 32768  # bytes; in LevelDB's log format, a record that does not fit into a block is split into pieces
HEAD = struct.Struct("<IHB")  # head of a piece: CRC-32 of kind and contents, length of the contents, kind
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4  # kinds of pieces
OPENING = 7  # bytes before the first record: `:W&B`, a magic number and a version


def parts(folder: Path) -> list[Path]:
    """The `.wandb` files in a run's folder, ordered by start time; a run that was killed and continued has several."""
    return sorted(folder.glob("wandb/*run-*/run-*.wandb"), key=lambda path: path.parent.name.removeprefix("offline-"))


def rows(folder: Path) -> dict[int, dict[str, float]]:
    """The logged rows of a run by epoch, from all its files."""
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
    """Read the records of one file, up to the first one that is incomplete or damaged.

    Raises:
        ValueError: the file was not written by W&B.
    """
    for message in _messages(path):
        yield Record.FromString(message)


def _messages(path: Path) -> Iterator[bytes]:
    data = read(path, links=False)
    if len(data) < OPENING:
        return  # W&B was killed before it wrote anything
    if data[:4] != b":W&B":
        raise ValueError(f"{path}: must begin with :W&B; got {data[:4]!r}")
    position, joined = OPENING, b""
    while position + HEAD.size <= len(data):
        room = BLOCK - position % BLOCK
        if room < HEAD.size:  # no head fits into the rest of the block, which is filled with zeros
            position += room
            continue
        crc, length, kind = HEAD.unpack_from(data, position)
        piece = data[position + HEAD.size : position + HEAD.size + length]
        if len(piece) < length or zlib.crc32(piece, zlib.crc32(bytes([kind]))) != crc:
            return  # W&B was killed while it wrote this piece
        position += HEAD.size + length
        joined = piece if kind in (WHOLE, FIRST) else joined + piece
        if kind in (WHOLE, LAST):
            yield joined
