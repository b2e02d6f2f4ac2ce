"""Converts recordings to one file of frames and one of labels."""

import json
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from snnx.dataset.binning import EVENT
from snnx.dataset.recording import Damaged, Recording, Sample, require_sound

NARROW = (np.uint8, np.int16, np.int32)  # types that torch can index; the smallest that holds the largest count is used
CHUNK = 256  # number of samples that are converted at a time

Framing = Callable[[np.ndarray], np.ndarray]


def convert(
    recordings: Sequence[Recording],
    target: Path,
    *,
    transforms: Sequence[Callable[[np.ndarray], np.ndarray]],
    framing: Framing,
    sensor: tuple[int, int],
    clip: bool,
    skip_bad: bool,
) -> None:
    """Write `<target>.npy`, frames `[N, T, 2, H, W]`, `<target>_labels.npy`, `[N]`, and `<target>.json` with what was skipped
    and, if all recordings have a group, the group of each sample.

    Args:
        recordings: the recordings, in the order in which their samples are stored.
        target: path without suffix.
        transforms: tonic's transforms of events, applied one after another. Random ones are seeded by the sample's position.
        framing: converts events to counts.
        sensor: rows and columns (H, W) of the sensor, in pixels.
        clip: whether to store 1 for a pixel with any events, instead of their number.
        skip_bad: whether to leave out damaged recordings.

    Raises:
        Damaged: a recording is damaged and `skip_bad` is false, or every recording is damaged.
    """
    labels, groups, skipped, raw, shape = [], [], [], target.with_suffix(".raw"), None
    wide = np.uint8 if clip else np.int32  # dtype until the largest count is known
    with raw.open("wb") as file:
        for recording in recordings:
            try:
                samples = recording.samples()
            except Damaged as error:
                _skip(error, skipped, skip_bad)
                continue
            for sample in samples:
                try:
                    counts = _framed(sample, len(labels), transforms, framing, sensor)
                except Damaged as error:
                    _skip(error, skipped, skip_bad)
                    continue
                (counts > 0 if clip else counts).astype(wide).tofile(file)
                labels.append(sample.label)
                groups.append(recording.group)
                shape = counts.shape
    if shape is None:
        raise Damaged(f"{target.name}: a part must have an undamaged recording; got {len(skipped)} damaged, first {skipped[0]}")
    _narrow(np.memmap(raw, wide, "r", shape=(len(labels), *shape)), target.with_suffix(".npy"))
    raw.unlink()
    np.save(target.with_name(f"{target.name}_labels.npy"), np.array(labels, np.int64))
    target.with_suffix(".json").write_text(json.dumps({"skipped": skipped, "groups": groups if all(groups) else []}, indent=1))


def _skip(error: Damaged, skipped: list[str], skip_bad: bool) -> None:
    if not skip_bad:
        raise Damaged(f"{error}; dataset.skip_bad=true leaves it out") from None
    skipped.append(str(error))


def _framed(
    sample: Sample | Damaged, place: int, transforms: Sequence[Callable], framing: Framing, sensor: tuple[int, int]
) -> np.ndarray:
    if isinstance(sample, Damaged):
        raise sample
    require_sound(sample, sensor)
    with _seeded(place):
        for transform in transforms:
            name = f"{sample.name} after {type(transform).__name__}"
            sample = Sample(name, sample.label, transform(sample.events.copy()))  # some of tonic's modify their input
            if getattr(getattr(sample.events, "dtype", None), "names", None) != EVENT.names:
                raise ValueError(
                    f"{name}: a transform must return events with x, y, t and p; got {type(sample.events).__name__}"
                )
            require_sound(sample, sensor)  # a transform may have removed all events
    return framing(sample.events)


@contextmanager
def _seeded(seed: int):
    """Seed NumPy's global generator, which tonic uses, inside the context, and restore its state afterwards."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


def _narrow(wide: np.ndarray, target: Path) -> None:
    """Write the numbers to an array file with the smallest dtype that holds them."""
    chunks = [slice(start, start + CHUNK) for start in range(0, len(wide), CHUNK)]
    most = max(int(wide[chunk].max()) for chunk in chunks)
    dtype = next(one for one in NARROW if most <= np.iinfo(one).max)
    narrow = np.lib.format.open_memmap(target, "w+", dtype, wide.shape)
    for chunk in chunks:
        narrow[chunk] = wide[chunk]
    narrow.flush()
