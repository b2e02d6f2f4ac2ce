"""What `snnx prepare` needs from a data set of event recordings."""

from pathlib import Path
from typing import Any, ClassVar

from snnx.augmentation.none import none
from snnx.dataset.published import Archive, NoData

BY_HAND = "it cannot be downloaded automatically: download and unpack it by hand"


class Archived:
    """For subclasses of `Events`: finds which recordings are on disk, says where they are published, and downloads them."""

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
    def _archives(cls, variant: str) -> list[Archive]:
        return [archive for archive in cls.archives if archive.variant in ("", variant)]

    @classmethod
    def fetch(cls, folder: str, variant: str) -> None:
        """Download the archives of a variant and unpack each into its place below `folder`.

        Raises:
            RuntimeError: an archive can be downloaded by hand only, or a downloaded file has a wrong checksum.
            OSError: the publisher's server cannot be reached.
        """
        from torchvision.datasets.utils import download_and_extract_archive

        wanted = cls._archives(variant)
        if not all(archive.fetchable for archive in wanted):
            others = sorted({archive.variant for archive in cls.archives if archive.fetchable})
            raise RuntimeError("; ".join([BY_HAND, *(f"--variant {other} can be fetched" for other in others)]))
        for archive in wanted:
            place = Path(folder) / archive.folder
            download_and_extract_archive(archive.url, str(place), filename=archive.name, md5=archive.md5)

    @classmethod
    def prepared(cls, root: Path, timesteps: int, arguments: dict[str, Any]) -> Path:
        """Return the folder with the frames for these arguments; they are made now if they do not exist."""
        return cls._built(root, timesteps, arguments).convert()

    @classmethod
    def _built(cls, root: Path, timesteps: int, arguments: dict[str, Any]) -> Any:
        plain = {"batch_size": 1, "validation": 0.0} | arguments
        return cls(root=str(root), timesteps=timesteps, augmentation=none, seed=0, **plain)
