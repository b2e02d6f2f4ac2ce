"""Finds pictures that are sorted into one folder for each class."""

import os
from dataclasses import dataclass
from pathlib import Path

from snnx.dataset.picture import SUFFIXES
from snnx.dataset.published import NoData

PARTS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
"""Maps the name of a folder to the part of the data set that it contains."""
BY_SYSTEMS = {"thumbs.db", "desktop.ini", "__macosx"}
"""Names of files and folders that Windows and macOS create, and that do not begin with a dot."""


@dataclass(frozen=True)
class ClassFolders:
    """Pictures by part and class."""

    classes: list[str]  # names in alphabetical order; the number of a class is its position in this list
    parts: dict[str, list[tuple[Path, int]]]  # train, test, val: pictures with the numbers of their classes
    folders: list[Path]  # the folders of the classes
    others: list[Path]  # files in them that are not pictures

    @classmethod
    def find(cls, root: Path) -> "ClassFolders":
        """Find the pictures of `root/CLASS`, or of `root/train/CLASS` and the other parts beside it.

        The other parts are `test`, and `val`, `valid` or `validation`. If there is no `test`, the `val` part is the test part.
        Hidden files are ignored, and so are those of `BY_SYSTEMS`.

        Raises:
            NoData: `root` does not exist.
            ValueError: its folders have another layout, a class has no pictures, or there is only one class.
        """
        if not root.is_dir():
            raise NoData(f"folder: {root} must exist, with a folder of pictures for each class; set dataset.root to it")
        named = _parts(root)
        folders = {part: _class_folders(folder) for part, folder in named.items()}
        classes = [folder.name for folder in folders["train"]]
        if len(classes) < 2:
            raise ValueError(
                f"folder: {named['train']} must contain a folder for each of at least two classes; got {len(classes)}"
            )
        found, others = {}, []
        for part, some in folders.items():
            if unknown := [folder for folder in some if folder.name not in classes]:
                raise ValueError(f"folder: {named[part]} must contain only classes of {named['train']}; got {unknown[0].name}")
            found[part] = []
            for folder in some:
                pictures, rest = _pictures(folder)
                number = classes.index(folder.name)
                found[part] += [(path, number) for path in pictures]
                others += rest
        return cls(classes, found, [folder for some in folders.values() for folder in some], others)


def _parts(root: Path) -> dict[str, Path]:
    """Return the folder of each part; a folder called `train` that contains pictures itself is the folder of a class."""
    inside, _ = _visible(root)
    train = [folder for folder in inside if folder.name == "train"]
    if not (train and _visible(train[0])[0]):
        return {"train": root}
    found: dict[str, Path] = {}
    for folder in inside:
        part = PARTS.get(folder.name)
        if part is None:
            raise ValueError(
                f"folder: {root} must contain only train, test and val, since it contains train; got {folder.name}"
            )
        if part in found:
            raise ValueError(
                f"folder: {root} must contain only one folder for the part {part}; got {found[part].name} and {folder.name}"
            )
        found[part] = folder
    if "test" not in found and "val" in found:
        found["test"] = found.pop("val")
    return found


def _class_folders(folder: Path) -> list[Path]:
    folders, files = _visible(folder)
    if loose := [path for path in files if path.suffix.lower() in SUFFIXES]:
        raise ValueError(f"folder: {loose[0]} must be in the folder of its class; got it in {folder}")
    return folders


def _pictures(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the pictures in the folder of a class, and the other files."""
    folders, files = _visible(folder)
    if folders:
        raise ValueError(
            f"folder: {folder} must contain the pictures of one class and no folders; got {folders[0].name}; "
            "folders of parts are called train, test and val"
        )
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    others = [path for path in files if path.suffix.lower() not in SUFFIXES]
    if not pictures:
        got = f"{len(others)} other files, such as {others[0].name}" if others else "none"
        raise ValueError(f"folder: {folder} must contain pictures ({', '.join(sorted(SUFFIXES))}); got {got}")
    return pictures, others


def _visible(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files in a folder by name, without hidden ones."""
    with os.scandir(folder) as entries:
        seen = [entry for entry in entries if entry.name[0] != "." and entry.name.lower() not in BY_SYSTEMS]
        folders = {entry.name for entry in seen if entry.is_dir()}
    names = sorted(entry.name for entry in seen)
    return [folder / name for name in names if name in folders], [folder / name for name in names if name not in folders]
