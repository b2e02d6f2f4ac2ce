"""Pictures are brought to one shape as torchvision does, and those that are unlike the first one are named."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from snnx.dataset.picture_reader import PictureReader, in_channels, resized

DRAW = np.random.default_rng(0)


def saved(path, shape, dtype=np.uint8):
    Image.fromarray(DRAW.integers(0, np.iinfo(dtype).max, shape, dtype=dtype)).save(path)
    return path


@pytest.mark.parametrize("size", [(300, 260), (260, 301), (200, 200), (40, 50)])
def test_a_picture_is_resized_and_cut_as_by_torchvision(tmp_path, size):
    """Oracle: torchvision on a smooth picture; it cuts at whole pixels, and rounds the longer side."""
    rows, columns = (np.linspace(0, 255, n) for n in size)
    picture = np.stack([np.add.outer(rows, columns) / 2, np.add.outer(rows, 0 * columns), np.zeros(size)], 2).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    ours = PictureReader(tmp_path / "a.png", 64, None).read(tmp_path / "a.png").int()
    theirs = v2.Compose([v2.Resize(64), v2.CenterCrop(64), v2.PILToTensor()])(Image.fromarray(picture)).int()
    assert ours.shape == (3, 64, 64)
    assert (ours - theirs).abs().max() <= 4


def test_sixteen_bits_stay_through_a_resize():
    flat = np.full((30, 20, 3), 12_345, np.uint16)
    assert np.array_equal(resized(flat, 8, 8), np.full((8, 8, 3), 12_345))
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64, 1).astype(np.uint16)
    assert len(np.unique(resized(ramp, 32, 32))) == 32 * 32


def test_the_low_byte_of_sixteen_bits_stays(tmp_path):
    values = DRAW.integers(0, 65535, (6, 6), dtype=np.uint16)
    for name, some in (("a", values), ("b", values ^ 1)):
        Image.fromarray(some).save(tmp_path / f"{name}.png")
    reader = PictureReader(tmp_path / "a.png", None, None)
    a, b = (reader.read(tmp_path / f"{name}.png") for name in "ab")
    assert a.dtype == torch.int16
    assert torch.equal(a[0].int() + 32768, torch.from_numpy(values.astype(np.int32)))
    assert ((a.int() - b.int()).abs() == 1).all()


def test_grey_is_that_of_pillow():
    colours = DRAW.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    theirs = np.array(Image.fromarray(colours).convert("L")).astype(int)
    assert np.abs(in_channels(colours, 1)[..., 0].astype(int) - theirs).max() <= 1
    white = np.full((1, 1, 3), 65535, np.uint16)
    assert in_channels(white, 1).tolist() == [[[65535]]]


def test_rectangles_keep_their_size(tmp_path):
    path = saved(tmp_path / "a.png", (5, 7))
    assert PictureReader(path, None, None).read(path).shape == PictureReader(path, None, None).shape == (1, 5, 7)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((6, 7), np.uint8, "same height and width; got 6x6 in {a} and 6x7 in {b}; set dataset.side to resize them, such as"),
        ((6, 6, 3), np.uint8, "same channels; got 1 in {a} and 3 in {b}; set dataset.channels=1 or dataset.channels=3"),
        ((6, 6), np.uint16, "same bits a channel; got 8 in {a} and 16 in {b}; convert them"),
    ],
)
def test_pictures_that_are_unlike_are_both_named(tmp_path, shape, dtype, message):
    first, other = saved(tmp_path / "a.png", (6, 6)), saved(tmp_path / "b.png", shape, dtype)
    with pytest.raises(ValueError, match=f"Folder: pictures must have the {message.format(a=first, b=other)}"):
        PictureReader(first, None, None).read(other)


def test_what_is_converted_may_differ(tmp_path):
    first, other = saved(tmp_path / "a.png", (6, 6)), saved(tmp_path / "b.png", (8, 9, 3))
    for channels in (1, 3):
        reader = PictureReader(first, 5, channels)
        assert reader.read(first).shape == reader.read(other).shape == reader.shape == (channels, 5, 5)
