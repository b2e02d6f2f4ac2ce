"""Finds the files of all options and sweeps in all places."""

import os
from pathlib import Path

from snnx.options.folders import shipped
from snnx.options.nearest import nearest
from snnx.options.places import Place, package_of, places, shipped_place
from snnx.options.received import check_option


def files(group: str) -> dict[str, Path]:
    """Return the file of each option of a group, sorted by name; for the group `sweep`, the sweep files.

    Raises:
        ValueError: two places have an option of the same name, or two names differ in capital letters only.

    Example:
        >>> [name for name in files("loss")], files("neuron")["lif"].name
        (['cross_entropy', 'psc_kernel', 'rate_mse', 'tet'], 'lif.yaml')
    """
    found: dict[str, Path] = {}  # by the name without capital letters, since some file systems do not tell them apart
    for place in places():
        for path in sorted((place.sweeps if group == "sweep" else place.conf / group).glob("*.yaml")):
            if (other := found.setdefault(path.stem.casefold(), path)) is path:
                continue
            got, do = _both(other, path)
            if other.stem == path.stem:
                raise ValueError(f"{group}={path.stem} must be defined by one file only; got {got}: {do}")
            raise ValueError(
                f"{group}={path.stem} must differ from {other.stem} in more than capital letters, since some file systems do "
                f"not tell them apart; got {got}: {do}"
            )
    return dict(sorted((path.stem, path) for path in found.values()))


def _both(one: Path, other: Path) -> tuple[str, str]:
    """Name two files of options, each with its installed package if it has one, and say how to get rid of one of them."""
    packages = {path: package_of(path) for path in (one, other)}
    got = " and ".join(f"{path} of the package {package}" if package else str(path) for path, package in packages.items())
    here = Path.cwd().resolve()
    if any(path.is_relative_to(here / part) for path in packages for part in ("conf", "sweeps")):
        return got, "rename one"
    return got, " or ".join(f"pip uninstall {package}" for package in dict.fromkeys(packages.values()) if package)


def groups() -> list[str]:
    """Return the groups of options, sorted; other places may add options to these groups, but no new groups.

    Example:
        >>> groups()[:3], "hydra/launcher" in groups()
        (['attention', 'augmentation', 'backbone'], True)
    """
    conf = shipped("conf")
    return sorted({path.parent.relative_to(conf).as_posix() for path in conf.glob("*/**/*.yaml")})


def is_group(name: str) -> bool:
    """Whether a key is a group of options, such as `neuron`, and not a plain value, such as `seed`."""
    return (shipped("conf") / name).is_dir()


def check_places() -> None:
    """Check the files of all places before Hydra reads any of them.

    Raises:
        ValueError: two places have an option of the same name, or a YAML file is directly in `conf` or in a folder that is not
            a group, or its name does not end in `.yaml` in small letters, or it sets what only the command line may set; see
            also `places`.
    """
    known = groups()
    for place in places():
        if place == shipped_place():
            continue
        if (place.folder / "snnx" / "options" / "files.py").is_file():
            raise ValueError(
                f"{place.folder} must not be the clone of another snnx than the one that runs, {shipped_place().folder}: "
                "install the clone with pip install --editable ., or go to another folder"
            )
        _reject_linked_folders(place.conf)
        _reject_capital_endings(place)
        for path in sorted(place.conf.rglob("*.yaml")):
            group = path.parent.relative_to(place.conf).as_posix()
            if group == ".":
                raise ValueError(f"{path} must be in the folder of a group, such as {place.conf / 'recipe'}; got {place.conf}")
            if group.split("/")[0] == "hydra":
                raise ValueError(f"{path} must not be an option of Hydra itself: set its keys on the command line")
            if group not in known:
                raise ValueError(f"{path} must be in the folder of a group of snnx; got {group}{nearest(group, known)}")
            check_option(path)
    for group in (*known, "sweep"):
        files(group)


def _reject_capital_endings(place: Place) -> None:
    """Reject names such as `evil.YAML`.

    A file system that ignores capital letters finds it as `evil.yaml`, so Hydra would load a file that our checks (`*.yaml`)
    never saw.
    """
    for path in (path for folder in (place.conf, place.sweeps) for path in folder.rglob("*")):
        if path.suffix != ".yaml" and path.suffix.casefold() == ".yaml":
            raise ValueError(f"{path} must end in .yaml in small letters; got {path.suffix}: rename it")


def _reject_linked_folders(conf: Path) -> None:
    """Reject a folder in `conf` that is a link: Hydra would read its files, although a search of `conf` does not find them."""
    for where, folders, _ in os.walk(conf):
        for path in (Path(where) / name for name in folders):
            if path.is_symlink():
                raise ValueError(
                    f"{path} must be a folder, so that its options are checked; got a link to {os.readlink(path)}: copy that "
                    "folder, or link its files"
                )
