"""Finds and downloads data sets of event recordings for `snnx prepare`."""

from pathlib import Path
from typing import Any, ClassVar

from snnx.augmentation.none import none
from snnx.dataset.published import Archive, NoData
from snnx.dataset.unpack import unpack

BY_HAND = "it cannot be downloaded automatically: download and unpack it by hand"


class Archived:
    """For subclasses of `EventCamera`: finds the recordings on disk, says where they are published, and downloads them."""

    archives: ClassVar[tuple[Archive, ...]] = ()
    variants: ClassVar[tuple[str, ...]]

    @classmethod
    def examine(cls, root: Path, variant: str) -> list[tuple[str, str]]:
        """Return pairs of a state and a line: for `variant`, or for each of its archives if it is missing, and for each other
        variant that is on disk.

        States: `found`, with the numbers of recordings; `missing`, with the publisher's address and checksum.
        """
        there = {}
        for one in cls.variants:
            try:
                dataset = cls._built(root, 1, {"variant": one})
                layout, found = dataset.recordings()
            except NoData:
                continue
            train, test = dataset.counts
            numbers = ", ".join(f"{len(recordings)} {part}" for part, recordings in found.items())
            there[one] = ("found", f"{one}, {layout}: {numbers} recordings; published {train:,} and {test:,} samples")
        wanted = [there.pop(variant)] if variant in there else cls._missing(root, variant)
        return [*wanted, *there.values()]

    @classmethod
    def _missing(cls, root: Path, variant: str) -> list[tuple[str, str]]:
        return [
            (
                "missing",
                (f"{archive.variant}, " if archive.variant else "")
                + f"{root / archive.folder}: publisher's file {archive.name} (md5 {archive.md5}): {archive.url}"
                + ("" if archive.fetchable else f"; {BY_HAND}"),
            )
            for archive in cls._archives(variant)
        ]

    @classmethod
    def packed(cls, variant: str) -> list[tuple[str, str]]:
        return [(f"{archive.folder}/{archive.name}", archive.md5) for archive in cls._archives(variant)]

    @classmethod
    def _archives(cls, variant: str) -> list[Archive]:
        return [archive for archive in cls.archives if archive.variant in ("", variant)]

    @classmethod
    def fetch(cls, folder: str, variant: str) -> None:
        """Download the archives of a variant that are not below `folder` yet, and unpack each into its place there.

        Raises:
            RuntimeError: an archive can be downloaded by hand only, or a downloaded file has a wrong checksum.
            OSError: the publisher's server cannot be reached.
        """
        from torchvision.datasets.utils import download_url

        wanted = {archive: Path(folder) / archive.folder for archive in cls._archives(variant)}
        if not all(archive.fetchable or (place / archive.name).exists() for archive, place in wanted.items()):
            others = sorted({archive.variant for archive in cls.archives if archive.fetchable})
            raise RuntimeError("; ".join([BY_HAND, *(f"--variant {other} can be fetched" for other in others)]))
        for archive, place in wanted.items():
            download_url(archive.url, str(place), archive.name, archive.md5)
            unpack(place / archive.name, place)

    @classmethod
    def prepared(cls, root: Path, timesteps: int, arguments: dict[str, Any]) -> tuple[Path, list[int]]:
        """Return the folder with the frames for these arguments, and the classes that this copy lacks.

        The frames are made now if they do not exist. They are also divided into parts, so that a run's checks of the parts are
        made.
        """
        dataset = cls._built(root, timesteps, arguments)
        folder = dataset.convert()
        dataset.setup()
        return folder, dataset.absent

    @classmethod
    def _built(cls, root: Path, timesteps: int, arguments: dict[str, Any]) -> Any:
        plain = {"batch_size": 1, "validation": 0.0} | arguments
        return cls(root=str(root), timesteps=timesteps, augmentation=none, seed=0, **plain)
