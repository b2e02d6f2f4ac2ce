"""Random erasing, for all samples of a batch at once."""

import math

import torch
from torch import Tensor

AREA, RATIO = (0.02, 0.33), (0.3, 3.3)  # share of the image; height over width
TRIES = 10


def random_erasing(
    images: Tensor,
    probability: float,
    *,
    fill: float | Tensor,
    area: tuple[float, float] = AREA,
    ratio: tuple[float, float] = RATIO,
) -> Tensor:
    """Set a rectangle of each sample to `fill` with the given probability.

    Its share of the image is uniform in `area`, and the logarithm of its ratio is uniform in that of `ratio`. Of ten such
    rectangles, the first that is smaller than the image is used; if none is, the sample stays as it is.

    Shape:
        `[B, C, H, W]` to the same.

    Args:
        images: the batch.
        probability: probability of erasing, in [0, 1].
        fill: value of erased pixels, or one for each channel, `[C, 1, 1]`.
        area: range of the share of the image, in [0, 1].
        ratio: range of height over width.

    Source: Zhong et al., 2020, Random Erasing Data Augmentation; the values are torchvision's, which does one image at a time.

    Example:
        >>> torch.equal(random_erasing(torch.ones(2, 1, 4, 4), 0.0, fill=0.5), torch.ones(2, 1, 4, 4))
        True
    """
    batch, (height, width), device = len(images), images.shape[2:], images.device
    pixels = height * width * torch.empty(batch, TRIES, device=device).uniform_(*area)
    shape = torch.empty(batch, TRIES, device=device).uniform_(*map(math.log, ratio)).exp()
    sides = torch.stack([(pixels * shape).sqrt().round(), (pixels / shape).sqrt().round()], 2)  # [B, tries, height and width]
    fits = (sides[:, :, 0] < height) & (sides[:, :, 1] < width)
    tall, wide = sides.gather(1, fits.int().argmax(1).view(-1, 1, 1).expand(-1, 1, 2))[:, 0].unbind(1)
    rows, columns = _within(tall, height), _within(wide, width)
    chosen = (torch.rand(batch, device=device) < probability) & fits.any(1)
    return torch.where(chosen.view(-1, 1, 1, 1) & rows[:, None, :, None] & columns[:, None, None, :], fill, images)


def _within(sides: Tensor, length: int) -> Tensor:
    """Draw where an interval of each length in `sides` lies, and return which of `length` places are in it, `[B, length]`."""
    first = (torch.rand_like(sides) * (length - sides + 1)).floor()[:, None]
    place = torch.arange(length, device=sides.device)
    return (place >= first) & (place < first + sides[:, None])
