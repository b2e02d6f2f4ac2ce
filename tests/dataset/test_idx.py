"""Contract: whole files are read, anything else is named."""

import os

import numpy as np
import pytest
import torch

from snnx.dataset import idx


def test_bytes_come_back(tmp_path, write_idx):
    values = np.random.default_rng(0).integers(0, 256, (3, 5, 4))
    write_idx(tmp_path / "images", values)
    assert torch.equal(idx.read(tmp_path / "images"), torch.from_numpy(values).byte())
    assert idx.samples_in(tmp_path / "images") == 3


@pytest.mark.parametrize("keep", [0, 3, 9, 16, 17, 75])
def test_a_truncated_file_is_named(tmp_path, write_idx, keep):
    path = tmp_path / "images"
    write_idx(path, np.zeros((3, 5, 4)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=rf"images: must be a complete idx file; got {keep} bytes; remove it and fetch"):
        idx.read(path)


def test_a_file_of_something_else_is_named(tmp_path):
    (tmp_path / "images").write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match="images: must be a complete idx file; got 22 bytes"):
        idx.read(tmp_path / "images")


def test_a_file_with_a_hole_is_not_read(tmp_path, write_idx):
    """A hole takes no room on disk, but would take 60 GB of memory."""
    write_idx(tmp_path / "images", np.zeros((3, 5, 4)))
    os.truncate(tmp_path / "images", 60 * 2**30)
    with pytest.raises(ValueError, match=f"images: must be a complete idx file; got {60 * 2**30} bytes"):
        idx.read(tmp_path / "images")


def test_numbers_other_than_bytes_are_refused(tmp_path):
    header = np.array([0x0D00 + 1, 2], dtype=">i4").tobytes()  # 0x0D: float32
    (tmp_path / "labels").write_bytes(header + bytes(8))
    with pytest.raises(ValueError, match="labels: must be a complete idx file"):
        idx.read(tmp_path / "labels")
