"""Handwritten digits seen by a simulated event camera: event data without a download."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from snnx.dataset.binning import EVENT
from snnx.dataset.digits import EMBEDDED, Digits
from snnx.dataset.event_camera import EventCamera
from snnx.dataset.recording import Found, Layout, Recording, Sample

PIXELS = 32  # the sensor has 32 rows and 32 columns
ZOOM = 2.5  # a pixel of the digit is 2.5 pixels of the sensor wide
CORNERS = ((0.0, 0.0), (2.5, 5.0), (5.0, 0.0), (0.0, 0.0))  # the sensor moves along this triangle, x and y in its pixels
SACCADE_US = 100_000  # each side of the triangle takes 0.1 s
STEP_US = 2_000  # the simulation has steps of 2 ms; within a step, brightness changes linearly
DARK = 0.1  # the background has a tenth of the brightness of white
THRESHOLD = 0.35  # a pixel sends an event when its log brightness has changed by this much
MISMATCH = 0.03  # the threshold varies between pixels with this relative standard deviation
NOISE_HZ = 0.5  # each pixel sends this many noise events per second
GRID = 2.0**20  # the log brightness is rounded to multiples of 1 / GRID
CHUNK = 50  # this many digits are simulated at once


def look(position: float) -> np.ndarray:
    """Return the weight of each pixel of the digit in each pixel of the sensor at `position`, along one axis.

    The digit's pixels are interpolated linearly; outside the digit the weights are 0.

    Shape:
        `[32, 8]`.
    """
    place = (np.arange(PIXELS) + position - (PIXELS + CORNERS[2][0] - 1) / 2) / ZOOM + 3.5
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(8)))


def log_brightness(digits: np.ndarray, x: float, y: float) -> np.ndarray:
    """Return the log brightness that a sensor at (x, y) sees of `digits` in [0, 1]: `[N, 8, 8] -> [N, 32, 32]`.

    It is rounded to a multiple of 2^-20. Products and logarithms differ in their last bits between processors;
    without rounding, such a difference could decide whether a threshold is crossed, and so add or remove an event.
    """
    return np.round(np.log(DARK + look(y) @ digits.astype(np.float64) @ look(x).T) * GRID) / GRID


def simulate(digits: np.ndarray, seeds: np.ndarray) -> list[np.ndarray]:
    """Simulate the events of each digit during three saccades.

        n = trunc((L(t + dt) - memory) / threshold);  |n| events of n's sign;  memory += n * threshold

    This is computed for each pixel and step; L is the log brightness. An event gets the time, in whole microseconds, at
    which the straight line from L(t) to L(t + dt) crosses the threshold. The thresholds vary slightly between pixels, and each
    pixel adds a few noise events.

    Shape:
        `[N, 8, 8]` in [0, 1] and seeds `[N]` to N arrays of EVENT, each sorted by time.

    Source: the ideal pixel of Lichtsteiner, Posch and Delbruck 2008, A 128×128 120 dB 15 µs latency asynchronous temporal
        contrast vision sensor; the saccades of Orchard et al. 2015.
    """
    draws = [np.random.default_rng(seed) for seed in seeds]
    spread = np.stack([draw.standard_normal((PIXELS, PIXELS), np.float32) for draw in draws])
    theta = THRESHOLD * (1 + MISMATCH * spread)
    steps = SACCADE_US // STEP_US
    path = [
        (x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps)
        for (x0, y0), (x1, y1) in pairwise(CORNERS)
        for i in range(1, steps + 1)
    ]
    before = log_brightness(digits, *CORNERS[0])
    memory = before.copy()
    found = []
    for step, (x, y) in enumerate(path):
        now = log_brightness(digits, x, y)
        crossed = np.trunc((now - memory) / theta)
        where = np.nonzero(crossed)
        if len(where[0]):
            found.append(_events(step, where, crossed[where], memory[where], theta[where], before[where], now[where]))
            memory[where] += crossed[where] * theta[where]
        before = now
    noise = [_noise(number, draw) for number, draw in enumerate(draws)]
    sample, events = (np.concatenate(column) for column in zip(*found, *noise, strict=True))
    order = np.lexsort((events["t"], sample))
    return np.split(events[order], np.searchsorted(sample[order], np.arange(1, len(digits))))


def _events(step: int, where: tuple, crossed: np.ndarray, memory, theta, before, now) -> tuple[np.ndarray, np.ndarray]:
    """Return the events of one step and the digits that they belong to: for each pixel its threshold crossings in order."""
    times = np.abs(crossed).astype(np.int64)
    pixel = np.repeat(np.arange(len(times)), times)
    which = np.arange(len(pixel)) - np.repeat(times.cumsum() - times, times) + 1
    level = memory[pixel] + np.sign(crossed[pixel]) * which * theta[pixel]
    share = np.clip((level - before[pixel]) / (now[pixel] - before[pixel]), 0, 1)
    events = np.empty(len(pixel), EVENT)
    events["y"], events["x"] = where[1][pixel], where[2][pixel]
    events["t"] = step * STEP_US + np.floor(share * (STEP_US - 1))
    events["p"] = crossed[pixel] > 0
    return where[0][pixel], events


def _noise(number: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    duration = 3 * SACCADE_US
    events = np.empty(draw.poisson(NOISE_HZ * PIXELS**2 * duration / 1e6), EVENT)
    for name, high in (("x", PIXELS), ("y", PIXELS), ("t", duration), ("p", 2)):
        events[name] = draw.integers(high, size=len(events))
    return np.full(len(events), number), events


class EventDigits(EventCamera):
    """The 1,797 digits of scikit-learn, seen by a simulated sensor of 32×32 pixels that makes three saccades.

    The handwriting is real but the camera is simulated, so results say nothing about a real sensor. The data set serves for
    tests and first steps without a download, as `digits` does for images, and has the same fixed split.

    Source:
        Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository; the simulation
        is ours.
    """

    classes = 10
    sensor = PIXELS
    counts = Digits.counts

    def layouts(self) -> tuple[Layout, ...]:
        return (Layout("simulated", "nothing", find),)


def find(root: Path) -> Found:
    """Return all digits, with several of them in each recording."""
    values, labels = load_digits(return_X_y=True)
    digits, cut = (values.reshape(-1, 8, 8) / 16).astype(np.float32), Digits.counts[0]
    return {
        part: list(_chunks(digits, labels, *ends)) for part, ends in {"train": (0, cut), "test": (cut, len(labels))}.items()
    }


def _chunks(digits: np.ndarray, labels: np.ndarray, start: int, end: int) -> Iterator[Recording]:
    for first in range(start, end, CHUNK):
        numbers = np.arange(first, min(first + CHUNK, end))
        yield Recording(
            f"digits {first} to {numbers[-1]}", "2", partial(_read, digits[numbers], labels[numbers], numbers), (EMBEDDED,)
        )


def _read(digits: np.ndarray, labels: np.ndarray, numbers: np.ndarray) -> Iterator[Sample]:
    for number, label, events in zip(numbers, labels, simulate(digits, numbers), strict=True):
        yield Sample(f"digit {number}", int(label), events)
