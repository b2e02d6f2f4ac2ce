"""The picture of test samples and their encoding, and the command `snnx show`."""

import io
import re

import numpy as np
import pytest
import torch
from composing import composed
from matplotlib.image import imread
from PIL import Image

from snnx.augmentation.none import none
from snnx.command.show import main
from snnx.dataset.digits import Digits
from snnx.show.sheet import Sheet, _test_samples, draw, in_colour, in_two_colours, sheet


def test_each_polarity_has_a_colour_and_both_together_are_black():
    frames = torch.zeros(2, 1, 4)
    frames[1, 0, 1] = frames[0, 0, 2] = frames[:, 0, 3] = 1
    shown = in_two_colours(frames)[0]
    assert shown[0].tolist() == [1, 1, 1]
    blue, orange = shown[1], shown[2]
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    assert shown[3].max() < 0.1


def test_a_frame_without_events_is_white():
    assert in_two_colours(torch.zeros(3, 2, 4, 5)).eq(1).all()


def test_three_channels_are_drawn_in_colour_and_other_numbers_in_grey():
    images = torch.rand(2, 3, 4, 5)
    assert torch.equal(in_colour(images), images.movedim(1, -1)), "values in [0, 1] are drawn as they are"
    eight = torch.rand(2, 8, 4, 5)
    assert torch.allclose(in_colour(eight), eight.mean(1)[..., None].expand(-1, -1, -1, 3))


def test_values_outside_of_0_and_1_are_scaled_together():
    """The first sample has half the values of the second, and is drawn half as bright."""
    images = torch.tensor([[[[0.0, 1.0]]], [[[0.0, 2.0]]]])
    assert in_colour(images)[..., 0].flatten().tolist() == [0, 0.5, 0, 1]


def drawn(number: int, *overrides: str) -> Sheet:
    return sheet(composed(*overrides).config, number)


@pytest.mark.parametrize("normalize", ["true", "false"])
def test_an_image_is_drawn_with_its_own_pixels(empty, normalize):
    """Pixels are drawn as scikit-learn has them: contrast is not stretched, also if no pixel of a digit is at the maximum."""
    found = drawn(2, "dataset=digits", f"dataset.normalize={normalize}", "encoding=repeat", "timesteps=1")
    data = Digits(batch_size=64, validation=0, normalize=False, augmentation=none, seed=0)
    data.setup()
    samples, _ = _test_samples(data, 2)
    assert np.allclose(found.cells[:, 0, ..., 0], samples[:, 0].numpy(), atol=1e-5)
    _, ranges = found.title.splitlines()
    assert re.fullmatch(r"image: 0 \(dark\) to 1 \(bright\); t: \S+ \(dark\) to \S+ \(bright\)", ranges)
    assert ranges.endswith("t: 0 (dark) to 1 (bright)") == (normalize == "false")


def test_classes_are_named_as_their_folders(empty):
    for number, name in enumerate(("ash", "a_tree_with_a_very_long_name")):
        for picture in range(5):
            path = empty / "trees" / name / f"{picture}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), number * 9 + picture).save(path)
    found = drawn(2, "dataset=folder", "dataset.root=trees", "dataset.normalize=false")
    assert found.rows == ["a_tree_with_a_very_…", "ash"]
    assert drawn(1, "dataset=digits").rows[0].isdigit()


def test_sheet_of_images_and_their_encoding(empty):
    picture = imread(io.BytesIO(draw(*drawn(2, "dataset=digits", "encoding=rate", "timesteps=3"))))
    assert picture.shape[1] > picture.shape[0] > 100
    assert np.unique(picture[..., 0]).size > 10


def test_sheet_of_a_method_that_encodes_by_itself_has_images_only(empty):
    picture = imread(io.BytesIO(draw(*(found := drawn(2, "recipe=dta_mnist", "dataset=digits")))))
    line = max(map(len, found.title.splitlines()))
    assert picture.shape[:2] == (375, int(150 * 0.07 * line)), "two rows of 0.8 inches, and the width of the title"


def test_only_the_samples_that_are_drawn_are_read():
    seen = []

    class Watched(Digits):
        def on_after_batch_transfer(self, batch, dataloader_idx):
            seen.append(len(batch[0]))
            return super().on_after_batch_transfer(batch, dataloader_idx)

    data = Watched(batch_size=64, validation=0, normalize=True, augmentation=none, seed=0)
    data.setup()
    samples, labels = _test_samples(data, 12)
    assert seen == [12]
    assert samples.shape == (12, 1, 8, 8)
    assert labels.tolist() == sorted(labels.tolist())
    assert set(labels.tolist()) == set(range(10))


@pytest.mark.slow
def test_the_command_writes_a_sheet_of_events(empty, capsys):
    assert main(["dataset=event_digits", "timesteps=2", "--samples", "3"]) == 0
    path = empty / capsys.readouterr().out.strip()
    assert path == empty / "outputs/show/dataset=event_digits,timesteps=2.png"
    colours = imread(path)[..., :3].reshape(-1, 3)
    assert (np.abs(colours - [0, 114 / 255, 178 / 255]).max(1) < 0.02).sum() > 100
    assert (np.abs(colours - [213 / 255, 94 / 255, 0]).max(1) < 0.02).sum() > 100


def test_a_cache_folder_that_is_not_writable_is_reported_in_one_line(empty, capsys, monkeypatch):
    (empty / "file").touch()
    monkeypatch.setenv("SNNX_CACHE", str(empty / "file"))
    assert main(["dataset=event_digits", "encoding=events", "timesteps=2"]) == 2
    assert re.fullmatch(r"snnx show: .*file must be writable, since frames are stored there; [^\n]*\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["dataset=nmnist", "encoding=rate"],
            2,
            r"encoding must take samples of shape \[4, 2, 34, 34\]; got Rate: choose encoding=events",
        ),
        (["encoding=events"], 2, r"encoding must take samples of shape \[1, 8, 8\]; got Events: choose an encoding of"),
        (["dataset=nmist"], 2, "dataset must be one of .*; got nmist; did you mean nmnist"),
        (["dataset=nmnist"], 1, "nmnist: recordings must be below .*; see snnx prepare nmnist"),
        (["--samples", "0"], 2, "--samples must be at least 1; got 0"),
    ],
)
def test_mistakes_are_one_line(empty, capsys, words, code, message):
    assert main(words) == code
    error = capsys.readouterr().err
    assert re.fullmatch(rf"snnx show: {message}[^\n]*\n", error), error
