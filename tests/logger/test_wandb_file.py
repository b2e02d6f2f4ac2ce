"""Reading W&B's own files: complete ones, and those that a crash has left incomplete."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wandb.proto.wandb_internal_pb2 import Record

from snnx.logger.wandb_file import BLOCK, OPENING, records, rows

START = b":W&B" + b"\xe5\xbe\x00"


def history(epoch: int, size: int = 0) -> bytes:
    record = Record()
    for key, value in (("epoch", str(epoch)), ("val/acc", "0.5"), ("note", '"' + "x" * size + '"')):
        record.history.item.add(nested_key=[key], value_json=value)
    return record.SerializeToString()


def written(messages: list[bytes]) -> bytes:
    """Write messages in LevelDB's log format: a record that crosses a block is split, and a rest of under 7 bytes is zeros."""
    out = bytearray(START)
    for message in messages:
        first = True
        while first or message:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += bytes(room)
                room = BLOCK
            piece, message = message[: room - 7], message[room - 7 :]
            kind = (1 if first else 4) if not message else (2 if first else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
    return bytes(out)


def left(folder, data: bytes, attempt: str = "offline-run-20261122_110000-ab"):
    path = folder / "wandb" / attempt / "run-ab.wandb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@given(sizes=st.lists(st.integers(0, 3 * BLOCK), max_size=6))
def test_records_of_any_size_are_read_back(sizes, tmp_path_factory):
    messages = [history(epoch, size) for epoch, size in enumerate(sizes, start=1)]
    path = left(tmp_path_factory.mktemp("run"), written(messages))
    assert [record.SerializeToString() for record in records(path)] == messages


@pytest.mark.parametrize("short", range(8))
def test_a_record_that_ends_0_to_7_bytes_before_the_end_of_a_block(short, tmp_path):
    size = BLOCK - OPENING - 7 - short - len(history(1)) - 4  # 4: two lengths that each take two bytes more
    messages = [history(1, size), history(2)]
    path = left(tmp_path, written(messages))
    assert [record.SerializeToString() for record in records(path)] == messages


@given(cut=st.integers(OPENING, 400))
def test_a_truncated_file_loses_only_the_last_records(cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    whole = written([history(epoch) for epoch in range(1, 9)])
    left(folder, whole[:cut])
    ends = [len(written([history(epoch) for epoch in range(1, last + 1)])) for last in range(9)]
    assert len(rows(folder)) == sum(end <= min(cut, len(whole)) for end in ends[1:])


def test_reading_stops_at_a_damaged_record(tmp_path):
    data = bytearray(written([history(1), history(2), history(3)]))
    data[len(written([history(1)])) + 20] ^= 1
    left(tmp_path, bytes(data))
    assert list(rows(tmp_path)) == [1]


def test_files_of_a_run_are_read_in_the_order_of_their_start_times(tmp_path):
    left(tmp_path, written([history(2), history(3)]), "run-20261122_120000-ab")
    left(tmp_path, written([history(1), history(2)]))
    assert list(rows(tmp_path)) == [1, 2, 3]
    assert rows(tmp_path)[3] == {"epoch": 3, "val/acc": 0.5, "note": ""}


def test_a_file_of_another_kind_is_rejected(tmp_path):
    with pytest.raises(ValueError, match="must begin with :W&B; got b'text'"):
        list(records(left(tmp_path, b"text of some kind")))


def test_an_empty_file_has_no_rows(tmp_path):
    left(tmp_path, b"")
    assert rows(tmp_path) == {}
