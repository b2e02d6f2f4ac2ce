"""The data module of recordings of an event camera: converts them to frames once, and yields batches of frames."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from snnx.augmentation.augmentation import Augmentation
from snnx.dataset.archived import Archived
from snnx.dataset.binning import BINNINGS, frames
from snnx.dataset.cache import cached
from snnx.dataset.frames import convert
from snnx.dataset.labelled import Labelled
from snnx.dataset.mapped import Mapped
from snnx.dataset.published import NoData
from snnx.dataset.recording import Found, Layout

FORMAT = 2  # raise it when the code writes other frames into the cache, so that old caches are no longer used


class EventCamera(Archived, Labelled):
    """Converts recordings to frames once and stores them in a file; batches become floats on the training device.

        frames = counts of events in T bins;  clipped to {0, 1} if `clip`;  in training x, y = augmentation(x, y)

    Frames are stored in `root/.snnx_cache`, under a key of everything that they depend on: the recordings with their sizes and
    dates, and the arguments below. Recordings are read from disk in any of the data set's layouts, and never downloaded.

    Shape:
        loaders yield `[B, T, 2, H, W]`, uint8 unless counts are larger, and labels `[B]`; after the transfer, float32. The
        augmentation receives `[B, 2T, H, W]`, so that all steps of a sample are distorted in the same way.

    Args:
        root, batch_size, validation, augmentation, seed, split_seed: see `Labelled`.
        samples: fraction of the published number of samples that is used, in (0, 1]; a partial copy yields at most the samples
            that it has.
        timesteps: T, at least 1.
        variant: version of the data set, one of `variants`; None takes the first.
        binning: `count` for bins with equal numbers of events, `time` for bins of equal duration.
        size: rows and columns of a frame, in pixels, at most the sensor's; each pixel sums the sensor pixels in it. None takes
            the sensor's size.
        clip: whether to store 1 for a pixel with any events, instead of their number.
        transforms: tonic's transforms of events before binning. They are the same in all parts and epochs, so use them for
            filters and not for augmentation.
        skip_bad: whether to leave out damaged recordings; their number is in `result.json`.

    Raises:
        ValueError: an argument is out of range, or a recording is damaged.
        NoData: there are no recordings.
    """

    sensor: ClassVar[int]  # rows and columns, in pixels
    variants: ClassVar[tuple[str, ...]] = ("official",)
    polarities = 2

    def __init__(
        self,
        *,
        root: str | None = None,
        batch_size: int,
        validation: float,
        augmentation: Augmentation,
        seed: int,
        timesteps: int,
        variant: str | None = None,
        split_seed: int = 0,
        samples: float = 1.0,
        binning: Literal["count", "time"] = "count",
        size: int | None = None,
        clip: bool = True,
        transforms: Sequence[Any] = (),
        skip_bad: bool = False,
    ) -> None:
        super().__init__(
            root=root,
            batch_size=batch_size,
            validation=validation,
            augmentation=augmentation,
            seed=seed,
            split_seed=split_seed,
            samples=samples,
        )
        name = type(self).__name__
        if timesteps < 1:
            raise ValueError(f"{name}: timesteps must be at least 1; got {timesteps}")
        if variant not in (None, *self.variants):
            raise ValueError(f"{name}: variant must be one of {', '.join(self.variants)}; got {variant}")
        if binning not in BINNINGS:
            raise ValueError(f"{name}: binning must be one of {', '.join(BINNINGS)}; got {binning}")
        if size is not None and not 1 <= size <= self.sensor:
            raise ValueError(f"{name}: size must lie in 1..{self.sensor}, or be null; got {size}")
        for transform in transforms:
            if " at 0x" in repr(transform):
                raise ValueError(f"{name}: the repr of a transform must contain its arguments, as in tonic; got {transform!r}")
        self.timesteps = timesteps
        self.variant = variant or self.variants[0]
        self.binning = binning
        self.size = size or self.sensor
        self.shape = (self.polarities, self.size, self.size)
        self.clip = clip
        self.transforms = list(transforms)
        self.skip_bad = skip_bad

    @property
    def option(self) -> str:
        """The name of the data set's option."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (self.timesteps, *self.shape)

    def layouts(self) -> tuple[Layout, ...]:
        """Return the possible layouts of the recordings below the root, the preferred one first; each data set defines them."""
        raise NotImplementedError

    def recordings(self) -> tuple[str, Found]:
        """Return the name of the layout that is on disk, and its recordings.

        Raises:
            ValueError: `root` is None.
            NoData: no layout is on disk, or only a part of one.
        """
        if self.root is None:
            raise ValueError(f"{self.option}: root must be a folder; got null; set dataset.root or SNNX_DATA")
        root = Path(self.root).expanduser().absolute()
        half = []
        for layout in self.layouts():
            found = layout.find(root)
            if all(found.values()):
                return layout.name, found
            if any(found.values()):
                half.append(f"got {layout.where} without {' or '.join(part for part, some in found.items() if not some)}")
        expected = half or [f"expected {self.layouts()[0].where}, or another layout"]
        raise NoData(
            f"{self.option}: recordings must be below {root}; {expected[0]}; see snnx prepare {self.option} --root {root}"
        )

    def convert(self) -> Path:
        """Return the folder with the frames; they are made now if they do not exist."""
        layout, found = self.recordings()
        self.names = [f"{part} {one.place}" for part, some in found.items() for one in some if one.place]
        root = Path(self.root).expanduser().absolute()
        key = {
            "format": FORMAT,
            "layout": layout,
            "timesteps": self.timesteps,
            "binning": self.binning,
            "size": self.size,
            "clip": self.clip,
            "transforms": [repr(transform) for transform in self.transforms],
            "skip_bad": self.skip_bad,
            "recordings": {part: _digest(some, root) for part, some in found.items()},
        }
        return cached(root, self.option, key, partial(self._make, found))

    def sources(self) -> list[Path]:
        _, found = self.recordings()
        return sorted({path for some in found.values() for one in some for path in one.files})

    def read(self) -> dict[str, tuple[Mapped, Tensor]]:
        folder = self.convert()
        key = json.loads((folder / "key.json").read_text())
        self.facts |= {"variant": self.variant, "layout": key["layout"]}
        parts = sorted(key["recordings"], reverse=True)  # train before test
        notes = {part: json.loads((folder / f"{part}.json").read_text()) for part in parts}
        self.groups = {part: note["groups"] for part, note in notes.items()}
        if self.skip_bad:
            self.facts["skipped"] = {part: len(note["skipped"]) for part, note in notes.items()}
        return {
            part: (Mapped.load(folder / f"{part}.npy"), torch.from_numpy(np.load(folder / f"{part}_labels.npy")))
            for part in parts
        }

    def share(self, there: int) -> float:
        return min(1.0, self.samples * sum(self.counts) / there)

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        counts, labels = batch
        images, labels = self.augmented(counts.flatten(1, 2).float(), labels)
        return self.typed(images.view(counts.shape), labels)

    def _make(self, found: Found, folder: Path) -> None:
        sensor = (self.sensor, self.sensor)
        framing = partial(frames, bins=self.timesteps, binning=BINNINGS[self.binning], sensor=sensor, size=self.size)
        for part, recordings in found.items():
            convert(
                recordings,
                folder / part,
                transforms=self.transforms,
                framing=framing,
                sensor=sensor,
                clip=self.clip,
                skip_bad=self.skip_bad,
            )


def _digest(recordings: Sequence, root: Path) -> str:
    """Return a digest of the recordings' names and of their stamps, which are file sizes and modification times."""
    lines = (f"{one.name.removeprefix(str(root))} {one.stamp}" for one in recordings)
    return f"{len(recordings)}, {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"
