"""Converts the events of a recording to frames: T bins with equal numbers of events or of equal duration."""

from collections.abc import Callable

import numpy as np

EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])
"""One event: column, row, microseconds, and whether it became brighter; in tonic's order."""


def by_count(t: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each event, such that the bins' numbers of events differ by at most one.

        bin[i] = floor(i * T / N)

    Example:
        >>> by_count(np.array([0, 1, 2, 3, 900]), bins=2).tolist()
        [0, 0, 0, 1, 1]
    """
    return np.arange(len(t)) * bins // len(t)


def by_time(t: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each event, such that all bins have the same duration; some may be empty.

        bin[i] = floor((t[i] - t[0]) * T / (t[N-1] - t[0] + 1))

    Example:
        >>> by_time(np.array([0, 1, 2, 3, 900]), bins=2).tolist()
        [0, 0, 0, 0, 1]
    """
    return (t - t[0]) * bins // (t[-1] - t[0] + 1)


BINNINGS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"count": by_count, "time": by_time}


def frames(
    events: np.ndarray, *, bins: int, binning: Callable[[np.ndarray, int], np.ndarray], sensor: tuple[int, int], size: int
) -> np.ndarray:
    """Count the events of each polarity at each pixel in each bin.

        frames[bin[i], p[i], y[i] * size // H, x[i] * size // W] += 1

    Every event is counted exactly once, including the last one, so the sum over all frames is the number of events. With a
    smaller `size`, neighbouring pixels are summed. The counts are 64-bit integers and cannot overflow.

    Shape:
        `[N] -> [bins, 2, size, size]`, polarity 0 darker, 1 brighter.

    Args:
        events: sorted by time, at least one, all on the sensor.
        bins: T, at least 1.
        binning: one of `BINNINGS`.
        sensor: rows and columns (H, W) of the sensor, in pixels.
        size: rows and columns of the frames, in pixels; at most H and W.

    Source: Fang et al. 2021, Incorporating learnable membrane time constant to enhance learning of SNNs (equal numbers). There
        the remaining N mod T events all go into the last frame; here they are spread over the frames.

    Example:
        >>> events = np.array([(0, 0, 0, 1), (1, 0, 5, 1), (3, 3, 9, 0)], EVENT)
        >>> frames(events, bins=1, binning=by_count, sensor=(4, 4), size=2).tolist()
        [[[[0, 0], [0, 1]], [[2, 0], [0, 0]]]]
    """
    height, width = sensor
    row = events["y"].astype(np.int64) * size // height
    column = events["x"].astype(np.int64) * size // width
    place = ((binning(events["t"], bins) * 2 + events["p"]) * size + row) * size + column
    return np.bincount(place, minlength=bins * 2 * size * size).reshape(bins, 2, size, size)
