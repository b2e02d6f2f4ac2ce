"""DVS128 Gesture: hand and arm gestures recorded by an event camera."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from snnx.dataset.aedat import read_aedat3
from snnx.dataset.event_camera import EventCamera
from snnx.dataset.npz import read_npz
from snnx.dataset.published import Archive
from snnx.dataset.recording import Damaged, Found, Layout, Recording, Sample, events_of, in_folders

IBM = "https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8/folder/50167556794"
FIGSHARE = "https://api.figshare.com/v2/file/download/"  # tonic's; the address in tonic 1.7 works in a browser only
CLASSES = tuple(str(label) for label in range(11))
COUNTS = {"spikingjelly": (1_176, 288), "tonic": (1_077, 264)}  # training and test samples of each variant
PARTS = ("train", "test")
LONGEST_LIST = 1_000_000  # largest number of bytes of a file that lists recordings; it has one line for each
MILLISECOND_US = 1000  # the times in tonic's files are in milliseconds
PERSON = re.compile(r"user\d+")  # in the name of every file, or of its folder
SILENT_US = 1_000_000  # a label may end this long after the last event


def read_npy(path: Path) -> np.ndarray:
    """Return the events of one of tonic's files, which contains rows of x, y, p, and t in ms.

    Raises:
        Damaged: the file contains something else.
    """
    with path.open("rb") as file:  # numpy does not close a file that it opened if the format is wrong
        rows = np.load(file)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise Damaged(f"{path}: must contain rows of x, y, p, t; got an array of shape {list(rows.shape)}")
    x, y, p, t = rows.T
    events = events_of(path, x=x, y=y, t=t, p=p)
    events["t"] *= MILLISECOND_US
    return events


def cut(path: Path, labels: Path) -> Iterator[Sample | Damaged]:
    """Yield one sample for each row `class, start, end` of a recording's label file: the events with start <= t < end, in µs.

    An invalid row yields an error instead of a sample, so that the other rows can still be used.

    Raises:
        Damaged: the label file is missing, or belongs to another recording.
    """
    if labels.exists() and not labels.is_file():  # reading a pipe might never end
        raise Damaged(f"{labels}: must be a file with rows of class, start and end in µs; got a folder, a pipe or a device")
    try:
        text = labels.read_text().splitlines()[1:]
        rows = np.loadtxt(text, dtype=np.int64, delimiter=",", ndmin=2) if text else np.empty((0, 3))
    except (OSError, ValueError) as error:
        raise Damaged(
            f"{labels}: must contain rows of class, start and end in µs; got {' '.join(str(error).split())}"
        ) from None
    if rows.ndim != 2 or rows.shape[1] != 3 or not len(rows):
        raise Damaged(f"{labels}: must contain rows of class, start and end in µs; got an array of shape {list(rows.shape)}")
    events = read_aedat3(path)
    last, end = events["t"][-1:].max(initial=0), rows[:, 2].max()
    if end > last + SILENT_US:
        raise Damaged(
            f"{labels}: labels must end within the recording, at {last} µs; got {end}: they may belong to another recording"
        )
    for number, (label, start, end) in enumerate(rows, start=2):
        if not 1 <= label <= len(CLASSES) or start >= end:
            reason = f"class must lie in 1..11 and start before end; got {label},{start},{end}"
            yield Damaged(f"{labels}: line {number}: {reason}")
            continue
        yield Sample(f"{path}, line {number} of {labels.name}", label - 1, events[(events["t"] >= start) & (events["t"] < end)])


def with_persons(found: Found) -> Found:
    """Note in each recording which person it shows, if its path names one, such as `user24_led.aedat`."""

    def named(one: Recording) -> Recording:
        person = PERSON.search(one.place)
        return replace(one, group=person[0]) if person else one

    return {part: [named(one) for one in recordings] for part, recordings in found.items()}


def find_aedat(folder: str, root: Path) -> Found:
    """Find the publisher's recordings on disk, in the order of its two lists of trials."""
    found: Found = {part: [] for part in PARTS}
    for part, recordings in found.items():
        trials = root / folder / f"trials_to_{part}.txt"
        if not trials.is_file():
            continue
        if (size := trials.stat().st_size) > LONGEST_LIST:
            raise ValueError(f"{trials}: must have at most {LONGEST_LIST:,} bytes; got {size:,}")
        names = [line.strip() for line in trials.read_text(errors="replace").splitlines() if line.strip()]
        for path in (root / folder / name for name in names if Path(name).name == name):  # in this folder only
            if path.is_file():
                labels = path.with_name(f"{path.stem}_labels.csv")
                recordings.append(Recording.of_files(partial(cut, path, labels), path, labels))
    return with_persons(found)


def find_npz(folder: str, root: Path) -> Found:
    """Find the files of SpikingJelly's conversion."""
    return with_persons({part: in_folders(root / folder / part, CLASSES, ".npz", read_npz) for part in PARTS})


def find_npy(root: Path) -> Found:
    """Find the files of tonic's unpacked download: a folder for each person and lighting, with a file for each class."""
    folders = {"train": "DVSGesture/ibmGestureTrain", "test": "DVSGesture/ibmGestureTest"}
    found: Found = {}
    for part, folder in folders.items():
        paths = [path for path in sorted((root / folder).glob("*/*.npy")) if path.stem in CLASSES]
        found[part] = [Recording.single(path, int(path.stem), read_npy) for path in paths]
    return with_persons(found)


class DVS128Gesture(EventCamera):
    """Eleven gestures of 29 people in three kinds of light, 128×128 pixels, about 6 s each.

    There are two versions in use, and accuracies on them cannot be compared. SpikingJelly (and snnTorch) make one sample from
    each row of the label files, which gives 1,176 and 288. tonic publishes one sample per class and trial, which gives 1,077
    and 264, with times in whole milliseconds. The classes are the same: 0 hand clapping ... 10 other, the publisher's number
    minus one.

    The variant `spikingjelly` is read from the publisher's recordings or from SpikingJelly's conversion, the variant `tonic`
    from tonic's files.

    Source:
        Amir et al. 2017, A low power, fully event-based gesture recognition system.
    """

    classes = len(CLASSES)
    sensor = 128
    variants = tuple(COUNTS)
    archives = (
        Archive("DvsGesture.tar.gz", "8a5c71fb11e24e5ca5b11866ca6c00a1", IBM, False, "DvsGesture", "spikingjelly"),
        Archive(
            "ibmGestureTrain.tar.gz", "3a8f0d4120a166bac7591f77409cb105", f"{FIGSHARE}38022171", True, "DVSGesture", "tonic"
        ),
        Archive(
            "ibmGestureTest.tar.gz", "56070e45dadaa85fff82e0fbfbc06de5", f"{FIGSHARE}38020584", True, "DVSGesture", "tonic"
        ),
    )

    @property
    def counts(self) -> tuple[int, int]:
        return COUNTS[self.variant]

    def layouts(self) -> tuple[Layout, ...]:
        if self.variant == "tonic":
            return (Layout("npy", "DVSGesture/ibmGesture{Train,Test}/user*_*/0..10.npy", find_npy),)
        aedat = ("DvsGesture", "DVS128Gesture/extract/DvsGesture", "DVS128Gesture/DvsGesture")
        text = "{}/trials_to_{{train,test}}.txt with *.aedat and *_labels.csv"
        return (
            Layout(
                "events_np", "DVS128Gesture/events_np/{train,test}/0..10/*.npz", partial(find_npz, "DVS128Gesture/events_np")
            ),
            *(Layout("aedat", text.format(folder), partial(find_aedat, folder)) for folder in aedat),
        )
