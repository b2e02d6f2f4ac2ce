"""Damaged and foreign checkpoints are rejected, and a failed write keeps the old file."""

import os
import zipfile

import pytest
import torch
from doubling import PICKLES, as_archive
from torch import nn

from snnx.backbone.weights import load_weights
from snnx.record.checkpoint import Checkpoints, DamagedCheckpoint, load


class Payload:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.system, (f"touch {self.mark}",))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "epoch=1.ckpt"
    Checkpoints("me", {}).save_checkpoint({"state_dict": {"w": torch.arange(1000.0)}}, path)
    return path


def test_save_and_load(saved):
    assert torch.equal(load(saved, "me")["state_dict"]["w"], torch.arange(1000.0))
    assert torch.equal(Checkpoints("me", {}).load_checkpoint(saved)["state_dict"]["w"], torch.arange(1000.0))
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_checkpoint_from_a_gpu_is_read_without_one(tmp_path, monkeypatch):
    path = tmp_path / "epoch=1.ckpt"
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")  # as if the tensors were there
    Checkpoints("me", {}).save_checkpoint({"state_dict": {"w": torch.arange(3.0)}}, path)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        torch.load(path, weights_only=True)
    assert torch.equal(Checkpoints("me", {}).load_checkpoint(path)["state_dict"]["w"], torch.arange(3.0))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_rejected(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DamagedCheckpoint, match=r"epoch=1\.ckpt must be a checkpoint of tensors and plain values; got"):
        load(saved, "me")


def test_a_flipped_bit_in_the_weights_is_noticed(saved):
    """`torch.load` alone does not notice it and returns wrong weights."""
    with zipfile.ZipFile(saved) as archive:
        name = next(info for info in archive.infolist() if info.filename.endswith("data/0"))
    content = bytearray(saved.read_bytes())
    position = content.index(torch.arange(1000.0).numpy().tobytes()[:64]) + 2000
    content[position] ^= 1
    saved.write_bytes(content)
    assert not torch.equal(torch.load(saved, weights_only=True)["state_dict"]["w"], torch.arange(1000.0))
    with pytest.raises(DamagedCheckpoint, match=f"must be undamaged; got a wrong checksum in {name.filename}"):
        load(saved, "me")


class Other:
    """A class that a checkpoint must not contain."""


def test_other_files_are_rejected_with_one_line(saved):
    """The message leaves out torch's advice on how to load the unsafe file anyway."""
    torch.save({"model": Other()}, saved)
    with pytest.raises(DamagedCheckpoint, match=r"plain values; got a pickle with other classes$"):
        load(saved, "me")
    saved.write_bytes(b"no checkpoint")
    with pytest.raises(DamagedCheckpoint, match=r"plain values; got a file that is cut short or not written by torch$"):
        load(saved, "me")


def test_a_checkpoint_of_another_run_is_rejected(saved):
    with pytest.raises(DamagedCheckpoint, match="must belong to run you; got me"):
        load(saved, "you")
    assert load(saved, None)["snnx_run"] == "me"
    torch.save([1, 2], saved)
    with pytest.raises(DamagedCheckpoint, match="must belong to run me; got list"):
        load(saved, "me")


def test_loading_a_checkpoint_never_runs_code(saved, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"state_dict": Payload(tmp_path / "ran"), "snnx_run": "me"}, saved)
    with pytest.raises(DamagedCheckpoint, match="plain values"):
        load(saved, "me")
    with pytest.raises(DamagedCheckpoint, match="plain values"):
        Checkpoints("me", {}).load_checkpoint(saved, weights_only=False)
    assert not (tmp_path / "ran").exists()
    torch.load(saved, weights_only=False)
    assert (tmp_path / "ran").exists(), "an unsafe load must run the code, or this test proves nothing"


def test_a_failed_write_keeps_the_old_checkpoint(saved, tmp_path):
    before = saved.read_bytes()
    with pytest.raises(AttributeError):
        Checkpoints("me", {}).save_checkpoint({"state_dict": {"w": lambda: 0}}, saved)
    assert saved.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [saved.name]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_error_of_a_full_disk_names_the_file(tmp_path, monkeypatch):
    from snnx.record import write

    monkeypatch.setattr(write.tempfile, "mkstemp", lambda dir, prefix: (os.open("/dev/full", os.O_WRONLY), f"{dir}/{prefix}x"))
    with pytest.raises(OSError, match=r"No space left on device: .*epoch=1\.ckpt"):
        Checkpoints("me", {}).save_checkpoint({"state_dict": {"w": torch.arange(1000.0)}}, tmp_path / "epoch=1.ckpt")


def test_entries_that_share_their_bytes_are_rejected(tmp_path):
    """A thousand entries of one place in the file would be read a thousand times, and their checksums are right."""
    path = tmp_path / "small.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**16))
        entry = archive.getinfo("archive/data.pkl")
        archive.filelist += [entry] * 999
    with pytest.raises(DamagedCheckpoint, match=r"small\.ckpt must contain each byte once; got entries of 65,536,000 bytes"):
        load(path, None)
    with pytest.raises(ValueError, match=r"weights: .*small\.ckpt must contain each byte once; got entries of 65,5"):
        load_weights(torch.nn.Linear(1, 1), str(path), name="weights")


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_whose_values_double_is_rejected(tmp_path, name):
    path = tmp_path / "small.ckpt"
    path.write_bytes(as_archive(PICKLES[name]))
    refused = r"small\.ckpt must (contain (tuples of )?at most 10,|be a checkpoint of tensors and plain values)"
    with pytest.raises(DamagedCheckpoint, match=refused):
        load(path, "me")


def test_a_compressed_file_is_rejected_before_it_is_unpacked(tmp_path):
    """Eight megabytes of zeros in eight kilobytes; it could be gigabytes."""
    with zipfile.ZipFile(tmp_path / "small.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**23))
    with pytest.raises(DamagedCheckpoint, match=r"small\.ckpt must not be compressed, as torch writes it"):
        load(tmp_path / "small.ckpt", None)
    with pytest.raises(ValueError, match=r"weights: .*small\.ckpt must not be compressed, as torch writes it"):
        load_weights(nn.Linear(1, 1), str(tmp_path / "small.ckpt"), name="weights")
