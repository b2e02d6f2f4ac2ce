"""A contact sheet: one sample a row, one time step a column."""

import numpy as np
import torch
from torch import Tensor

from snnx.dataset.labelled import Labelled
from snnx.dataset.split import balanced_order
from snnx.report.figures.axes import COLOURS, png
from snnx.run.build import build_data
from snnx.run.component import component, held_by

BRIGHTER, DARKER = COLOURS[0], COLOURS[1]
CELL_INCH, LINE = 0.8, 0.06  # a cell on paper, and the line between two cells as a share of one
TITLE_INCH = 4.0  # that the title needs
STEPS = 16  # columns at most; more steps are thinned out


def sheet(config: dict, number: int) -> bytes:
    """The PNG of `number` test samples, of as many classes as there are: a column for the whole, then one for each step.

    A method that encodes by itself leaves the images alone.
    """
    data = build_data(config)
    data.setup()
    samples, labels = _some(data, number)
    alone = _encodes(config)
    steps = samples.unsqueeze(1) if alone else _encoded(config, data, samples)
    events = samples.ndim == 5
    whole = in_two_colours(samples.sum(1)) if events else in_colour(samples)
    cells = in_two_colours(steps) if events else in_colour(steps)
    kept = torch.linspace(0, steps.shape[1] - 1, 0 if alone else min(steps.shape[1], STEPS)).round().long()
    cells = torch.cat([whole.unsqueeze(1), cells[:, kept]], dim=1)
    return draw(
        cells.numpy(),
        rows=[str(label) for label in labels.tolist()],
        columns=["all" if events else "image", *(f"t={t}" for t in kept.tolist())],
        title=_title(config, data, events),
    )


def _some(data: Labelled, number: int) -> tuple[Tensor, Tensor]:
    """Test samples as the encoding gets them, in the order of their classes."""
    test = data.test_dataloader()
    chosen = balanced_order(test.labels, seed=0)[:number]
    chosen = chosen[test.labels[chosen].argsort(stable=True)]
    return data.on_after_batch_transfer((test.images[chosen], test.labels[chosen]), 0)


def _encoded(config: dict, data: Labelled, samples: Tensor) -> Tensor:
    """What the network is given, `[B, T, C, H, W]`."""
    encoding = component(config, "encoding")(in_channels=data.shape[0]).eval()
    encoding.begin_evaluation()
    with torch.no_grad():
        return encoding(samples).transpose(0, 1)


def _encodes(config: dict) -> bool:
    """Whether the method has an encoding of its own."""
    return "encoding" not in held_by("method", config["method"])


def _title(config: dict, data: Labelled, events: bool) -> str:
    name = config["dataset"]["_target_"].rpartition(".")[2]
    if events:
        return f"{name}: frames on {data.shape[1]}x{data.shape[2]} pixels; blue became brighter, orange darker, black both"
    if _encodes(config):
        return f"{name}: images; {config['method']['_target_'].rpartition('.')[2]} encodes them itself"
    return f"{name}: images and what {config['encoding']['_target_'].rpartition('.')[2]} makes of them"


def in_two_colours(frames: Tensor) -> Tensor:
    """Event frames on white: each pixel the more coloured, the more events it saw.

    Shape:
        `[*, 2, H, W] -> [*, H, W, 3]` in [0, 1]; each picture is scaled by its own 99th percentile of pixels with events.

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
    """Images, or spikes over time: three channels are colours, any other number is averaged.

    Shape:
        `[*, C, H, W] -> [*, H, W, 3]`, each sample between its lowest and highest value.
    """
    shown = images if images.shape[-3] == 3 else images.mean(-3, keepdim=True).expand(*images.shape[:-3], 3, -1, -1)
    flat = shown.flatten(1)
    low, high = (one.view(-1, *[1] * (shown.ndim - 1)) for one in (flat.amin(1), flat.amax(1)))
    return ((shown - low) / (high - low).clamp(min=1e-9)).movedim(-3, -1)


def draw(cells: np.ndarray, *, rows: list[str], columns: list[str], title: str) -> bytes:
    """The sheet as PNG.

    Shape:
        cells `[rows, columns, H, W, 3]`.
    """
    from matplotlib.figure import Figure

    size = (max(TITLE_INCH, len(columns) * CELL_INCH + 0.6), len(rows) * CELL_INCH + 0.7)
    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    grid = figure.subplots(len(rows), len(columns), squeeze=False, gridspec_kw={"wspace": LINE, "hspace": LINE})
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            axis = grid[i, j]
            axis.imshow(cells[i, j], interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_color("#bbbbbb")
            if i == 0:
                axis.set_title(column, fontsize=8)
        grid[i, 0].set_ylabel(row, rotation=0, fontsize=9, labelpad=8, va="center")
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return png(figure)


def _rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
