"""From recordings to one file of frames and one of labels."""

import json
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from snnx.dataset.binning import EVENT
from snnx.dataset.recording import Damaged, Recording, Sample, require_sound

NARROW = (np.uint8, np.int16, np.int32)  # torch indexes these; the smallest that holds the largest count is kept
CHUNK = 256  # samples at a time

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
    """Write `<target>.npy`, frames `[N, T, 2, H, W]`, `<target>_labels.npy`, `[N]`, and `<target>.json` with what was skipped.

    Args:
        recordings: in the order in which their samples are stored.
        target: path without suffix.
        transforms: of events, applied one after the other; tonic's. Random ones draw the same for a sample every time.
        framing: from events to counts.
        sensor: (H, W), in pixels.
        clip: store whether there was an event, and not how many.
        skip_bad: leave out what is damaged.

    Raises:
        Damaged: a recording is, and `skip_bad` is false.
    """
    labels, skipped, raw, shape = [], [], target.with_suffix(".raw"), None
    wide = np.uint8 if clip else np.int32  # until the largest count is known
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
                shape = counts.shape
    if shape is None:
        raise Damaged(f"{target.name}: a part must have a sound recording; got {len(skipped)} damaged, first {skipped[0]}")
    _narrow(np.memmap(raw, wide, "r", shape=(len(labels), *shape)), target.with_suffix(".npy"))
    raw.unlink()
    np.save(target.with_name(f"{target.name}_labels.npy"), np.array(labels, np.int64))
    target.with_suffix(".json").write_text(json.dumps({"skipped": skipped}, indent=1))


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
            sample = Sample(name, sample.label, transform(sample.events.copy()))  # some of tonic's write into their input
            if getattr(getattr(sample.events, "dtype", None), "names", None) != EVENT.names:
                raise ValueError(f"{name}: a transform must give events; got {type(sample.events).__name__}, no x, y, t, p")
            require_sound(sample, sensor)  # and so that none gets the nothing that another has left
    return framing(sample.events)


@contextmanager
def _seeded(seed: int):
    """NumPy's global generator, which tonic draws from, seeded within and as it was after."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


def _narrow(wide: np.ndarray, target: Path) -> None:
    """The numbers as an array file of the narrowest dtype that holds them."""
    chunks = [slice(start, start + CHUNK) for start in range(0, len(wide), CHUNK)]
    most = max(int(wide[chunk].max()) for chunk in chunks)
    dtype = next(one for one in NARROW if most <= np.iinfo(one).max)
    narrow = np.lib.format.open_memmap(target, "w+", dtype, wide.shape)
    for chunk in chunks:
        narrow[chunk] = wide[chunk]
    narrow.flush()
