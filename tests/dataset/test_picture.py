"""Golden: files of every kind are read as what was written into them, with all bits."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from snnx.dataset.picture import Format, format_of, pixels

DRAW = np.random.default_rng(0)
BYTES = DRAW.integers(0, 256, (5, 7, 4), dtype=np.uint8)
WORDS = DRAW.integers(0, 65536, (5, 7, 4), dtype=np.uint16)


def saved(path, values, **options):
    Image.fromarray(values).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "pgm"])
def test_grey_of_eight_bits(tmp_path, suffix):
    path = saved(tmp_path / f"grey.{suffix}", BYTES[..., 0])
    assert format_of(path) == Format(1, 5, 7, 8)
    assert np.array_equal(pixels(path), BYTES[..., :1])


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "ppm", "webp"])
def test_colours_of_eight_bits(tmp_path, suffix):
    path = saved(tmp_path / f"colours.{suffix}", BYTES[..., :3], **({"lossless": True} if suffix == "webp" else {}))
    assert format_of(path) == Format(3, 5, 7, 8)
    assert np.array_equal(pixels(path), BYTES[..., :3])


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_grey_of_sixteen_bits(tmp_path, suffix):
    path = saved(tmp_path / f"grey.{suffix}", WORDS[..., 0])
    assert format_of(path) == Format(1, 5, 7, 16)
    assert pixels(path).dtype == np.uint16
    assert np.array_equal(pixels(path), WORDS[..., :1])


def test_transparency_is_dropped(tmp_path):
    assert np.array_equal(pixels(saved(tmp_path / "a.png", BYTES)), BYTES[..., :3])
    assert np.array_equal(pixels(saved(tmp_path / "b.png", BYTES[..., :2])), BYTES[..., :1])


def test_a_palette_is_colours_also_where_some_are_transparent(tmp_path):
    picture = Image.fromarray(BYTES[..., :3]).quantize(8)
    picture.save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    assert format_of(tmp_path / "a.png") == Format(3, 5, 7, 8)
    assert np.array_equal(pixels(tmp_path / "a.png"), np.array(picture.convert("RGB")))


def test_other_modes(tmp_path):
    black_and_white = Image.fromarray(BYTES[..., 0] > 127)
    black_and_white.save(tmp_path / "a.png")
    assert np.array_equal(pixels(tmp_path / "a.png")[..., 0], 255 * (BYTES[..., 0] > 127))
    printed = Image.frombytes("CMYK", (7, 5), BYTES.tobytes())
    printed.save(tmp_path / "a.tif")
    assert np.array_equal(pixels(tmp_path / "a.tif"), np.array(printed.convert("RGB")))


def test_no_program_is_started_for_a_picture(tmp_path, monkeypatch):
    """Pillow recognises a picture by its content, and gives PostScript to Ghostscript, which executes it."""
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = tmp_path / "a.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(
        ValueError, match=r"a\.png: must be a picture; got a file of which Pillow says: cannot identify image file"
    ):
        pixels(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["pipe.png", "zero.png"])
def test_a_pipe_or_a_device_is_not_read(tmp_path, place):
    path = tmp_path / place
    os.mkfifo(path) if "pipe" in place else path.symlink_to("/dev/zero")
    with pytest.raises(ValueError, match=rf"{place}: must be a picture; got a pipe or a device; remove it"):
        pixels(path)


def test_a_cameras_picture_with_a_preview_is_one_picture(tmp_path):
    first, preview = (Image.fromarray(BYTES[:, :, i : i + 3]) for i in (0, 1))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[preview])
    assert format_of(tmp_path / "a.jpg") == Format(3, 5, 7, 8)


def tiff_of_words(path):
    """Colours of 16 bits as TIFF, uncompressed, which Pillow does not write."""
    tags = [
        (256, 4, 1, 7), (257, 4, 1, 5), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 200), (277, 3, 1, 3),
        (278, 4, 1, 5), (279, 4, 1, 7 * 5 * 6),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<I", 16) + struct.pack("<HHH", 16, 16, 16) + b"\0\0" + struct.pack("<H", len(tags)) + entries
    path.write_bytes((head + bytes(4)).ljust(200, b"\0") + WORDS[..., :3].astype("<u2").tobytes())


def deep_png(path, channels):
    """A PNG of 16 bits a channel with 2 channels, grey and alpha, or 3, colours, which Pillow does not write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in WORDS[..., :channels])  # 0: the row is not filtered
    header = struct.pack(">IIBBBBB", 7, 5, 16, {2: 4, 3: 2}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = [struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def truncated(path):
    saved(path, DRAW.integers(0, 256, (64, 64), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:1000])


def several(path):
    pages = [Image.fromarray(BYTES[..., i]) for i in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.png", lambda path: path.write_bytes(b"no picture"), "must be a picture; got .*; remove it or copy it again"),
        ("a.png", truncated, "must be a picture; got .*; remove it or copy it again"),
        ("a.tif", several, "must be one picture; got 3 pages; save each page as a file"),
        ("a.tif", lambda path: saved(path, WORDS[..., 0] / np.float32(9)), "must have 8 or 16 bits a channel; got mode F"),
        ("a.tif", lambda path: saved(path, WORDS[..., 0].astype(np.int32) * 9), r"pixels must lie in 0\.\.65535; got \d+ to"),
        ("a.tif", tiff_of_words, "must be grey without transparency if it has 16 bits a channel; got RGB;16L; convert it"),
        ("a.png", lambda path: deep_png(path, 3), "must be grey without .* 16 bits a channel; got RGB;16B; convert it"),
        ("a.png", lambda path: deep_png(path, 2), "must be grey without .* 16 bits a channel; got LA;16B; convert it"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(ValueError, match=f"^{tmp_path / name}: {message}") as caught:
        pixels(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_second_page_without_a_size_is_named(tmp_path):
    """Pillow raises a TypeError for it."""
    path = tmp_path / "a.tif"
    Image.new("RGB", (8, 8)).save(path)
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (tags,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * tags, len(content))
    path.write_bytes(bytes(content) + struct.pack("<HI", 0, 0))
    with pytest.raises(
        ValueError,
        match=r"a\.tif: must be a picture; got a file of which Pillow says: Missing dimensions; remove it or copy it again",
    ):
        pixels(path)
