"""A picture of test samples: one row per sample, one column per time step."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnx.dataset.images import Images
from snnx.dataset.labelled import Labelled
from snnx.dataset.split import balanced_order
from snnx.report.figures.axes import COLOURS, rendered
from snnx.run.build import build_data
from snnx.run.component import component, groups_passed_to

BRIGHTER, DARKER = COLOURS[0], COLOURS[1]
CELL_INCH, GAP = 0.8, 0.06  # width of a cell, and the gap between two cells as a fraction of it
CHARACTER_INCH = 0.07  # width of a character of the title
NAME = 20  # longer names of classes are cut to so many characters
ROUNDING = 1e-5  # rounding allowance of pixels in [0, 1] after undoing the normalisation
STEPS = 16  # largest number of time steps that are drawn; of more steps, evenly spaced ones are chosen


class Sheet(NamedTuple):
    """The parts of a picture, see `draw`."""

    cells: np.ndarray
    rows: list[str]
    columns: list[str]
    title: str


def sheet(config: dict, number: int) -> Sheet:
    """Choose test samples of different classes: first the whole sample, then what the network gets at each time step.

    An image is drawn without normalisation. Values that all lie in [0, 1] are drawn as they are, and others from the lowest to
    the highest value of all samples; the title states these two. Classes have the names that the data set gives, or numbers.
    For a method that encodes images by itself, such as `ttfs`, only the images are drawn.

    Args:
        config: the resolved configuration of a run.
        number: how many samples.
    """
    data = build_data(config)
    data.setup()
    samples, labels = _test_samples(data, number)
    images_only = _encodes(config)
    steps = samples.unsqueeze(1) if images_only else _encoded(config, data, samples)
    events = samples.ndim == 5
    if events:
        whole, cells = in_two_colours(samples.sum(1)), in_two_colours(steps)
        title = _title(config, data)
    else:
        pixels = _pixels(data, samples)
        whole, cells = in_colour(pixels), in_colour(steps)
        title = f"{_title(config, data)}\n{_ranges(pixels, None if images_only else steps)}"
    kept = torch.linspace(0, steps.shape[1] - 1, 0 if images_only else min(steps.shape[1], STEPS)).round().long()
    cells = torch.cat([whole.unsqueeze(1), cells[:, kept]], dim=1)
    return Sheet(
        cells.numpy(),
        rows=[_name(data, label) for label in labels.tolist()],
        columns=["all" if events else "image", *(f"t={t}" for t in kept.tolist())],
        title=title,
    )


def _test_samples(data: Labelled, number: int) -> tuple[Tensor, Tensor]:
    """Test samples in the form in which the encoding gets them, ordered by class."""
    test = data.test_dataloader()
    chosen = balanced_order(test.labels, seed=0)[:number]
    chosen = chosen[test.labels[chosen].argsort(stable=True)]
    return data.on_after_batch_transfer((test.images[chosen], test.labels[chosen]), 0)


def _encoded(config: dict, data: Labelled, samples: Tensor) -> Tensor:
    """The encoded samples, as the network gets them, but batch first: `[B, T, C, H, W]`."""
    encoding = component(config, "encoding")(in_channels=data.shape[0]).eval()
    encoding.begin_evaluation()
    with torch.no_grad():
        return encoding(samples).transpose(0, 1)


def _encodes(config: dict) -> bool:
    """Whether the method encodes images by itself, so that the group `encoding` is not used."""
    return "encoding" not in groups_passed_to("method", config["method"])


def _pixels(data: Labelled, samples: Tensor) -> Tensor:
    """The samples as they were before they were normalised."""
    if not (isinstance(data, Images) and data.normalize):
        return samples
    mean, std = (torch.tensor(values, device=samples.device).view(-1, 1, 1) for values in (data.mean, data.std))
    return samples * std + mean


def _name(data: Labelled, label: int) -> str:
    name = str(data.class_names[label] if data.class_names else label)
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _ranges(pixels: Tensor, steps: Tensor | None) -> str:
    """State which values are drawn darkest and brightest, in the images and in their encoding."""
    shown = [("image", pixels), *([] if steps is None else [("t", steps)])]
    return "; ".join("{}: {:.3g} (dark) to {:.3g} (bright)".format(name, *span(values)) for name, values in shown)


def _title(config: dict, data: Labelled) -> str:
    name = config["dataset"]["_target_"].rpartition(".")[2]
    if len(data.sample_shape) == 4:
        size = f"{data.shape[1]}x{data.shape[2]}"
        return f"{name}: frames of {size} pixels; blue: brighter, orange: darker, black: both"
    if _encodes(config):
        return f"{name}: images; {config['method']['_target_'].rpartition('.')[2]} encodes them itself"
    return f"{name}: images, and their encoding by {config['encoding']['_target_'].rpartition('.')[2]}"


def in_two_colours(frames: Tensor) -> Tensor:
    """Colour event frames: a pixel without events is white, and the more events it has, the stronger is its colour.

    Shape:
        `[*, 2, H, W] -> [*, H, W, 3]` in [0, 1]; each frame is scaled by the 99th percentile of its pixels with events.

    Example:
        >>> in_two_colours(torch.tensor([[[[0.0, 2.0]], [[0.0, 0.0]]]])).mul(255).round().int().tolist()
        [[[[255, 255, 255], [213, 94, 0]]]]
    """
    ink = torch.tensor([_rgb(DARKER), _rgb(BRIGHTER)])  # polarity 0 and 1
    flat = frames.flatten(-3)
    full = torch.where(flat > 0, flat, torch.nan).nanquantile(0.99, dim=-1).nan_to_num(1.0)
    strength = (frames / full[..., None, None, None]).clamp(0, 1)
    missing = (1 - ink).view(2, 3, 1, 1) * strength.unsqueeze(-3)  # [*, 2, 3, H, W]
    return (1 - missing.sum(-4)).clamp(0, 1).movedim(-3, -1)


def in_colour(images: Tensor) -> Tensor:
    """Colour images, or spikes over time: three channels are taken as red, green and blue, any other number is averaged.

    Shape:
        `[*, C, H, W] -> [*, H, W, 3]` in [0, 1]: the values as they are, or scaled from `span`.

    Example:
        >>> [in_colour(torch.tensor([[[row]]]))[0, 0, :, 0].tolist() for row in ([0.25, 0.5], [-1.0, 3.0])]
        [[0.25, 0.5], [0.0, 1.0]]
    """
    shown = _drawn(images)
    low, high = span(images)
    return ((shown - low) / (high - low)).clamp(0, 1).expand(*shown.shape[:-3], 3, -1, -1).movedim(-3, -1)


def span(images: Tensor) -> tuple[float, float]:
    """Return the values that `in_colour` draws darkest and brightest: 0 and 1, or the lowest and highest if one lies outside.

    Example:
        >>> span(torch.tensor([[[[0.25, 0.5]]]])), span(torch.tensor([[[[-1.0, 3.0]]]]))
        ((0.0, 1.0), (-1.0, 3.0))
    """
    shown = _drawn(images)
    low, high = float(shown.min()), float(shown.max())
    inside = low >= -ROUNDING and high <= 1 + ROUNDING
    return (0.0, 1.0) if inside else (low, max(high, low + ROUNDING))


def _drawn(images: Tensor) -> Tensor:
    """The three channels, or the mean of any other number of them, `[*, 3 or 1, H, W]`."""
    return images if images.shape[-3] == 3 else images.mean(-3, keepdim=True)


def draw(cells: np.ndarray, rows: list[str], columns: list[str], title: str) -> bytes:
    """Draw a grid of pictures as PNG.

    Args:
        cells: the pictures, `[rows, columns, H, W, 3]` in [0, 1].
        rows, columns: labels of the rows and columns.
        title: printed above the grid, in one or several lines.
    """
    from matplotlib.figure import Figure

    lines, longest = title.splitlines(), max(map(len, rows))
    needed = CHARACTER_INCH * max(map(len, lines))
    grid_inch = len(columns) * CELL_INCH + 0.5 + 0.1 * longest
    size = (max(needed, grid_inch), len(rows) * CELL_INCH + 0.5 + 0.2 * len(lines))
    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    grid = figure.subplots(len(rows), len(columns), squeeze=False, gridspec_kw={"wspace": GAP, "hspace": GAP})
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            axis = grid[i, j]
            axis.imshow(cells[i, j], interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_color("#bbbbbb")
            if i == 0:
                axis.set_title(column, fontsize=8)
        grid[i, 0].set_ylabel(row, rotation=0, fontsize=9, labelpad=8, va="center", ha="right" if longest > 1 else "center")
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return rendered(figure, "png")


def _rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
