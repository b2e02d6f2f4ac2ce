"""Finds the places that have options: snnx itself, installed packages that provide some, and the current folder."""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from snnx.options.folders import shipped
from snnx.options.own_components import own_components

GROUP = "snnx.options"
"""The group of entry points by which an installed package declares that it has options."""


INSTALLED = {"site-packages", "dist-packages"}
"""Folders that hold the packages of many projects."""


@dataclass(frozen=True)
class Place:
    """A folder with `conf/`, `sweeps/` or both, and the packages whose classes its options may build."""

    folder: Path
    components: tuple[str, ...] = ()

    @property
    def conf(self) -> Path:
        """The folder of its options, with one subfolder per group."""
        return self.folder / "conf"

    @property
    def sweeps(self) -> Path:
        """The folder of its sweep files."""
        return self.folder / "sweeps"


def places() -> tuple[Place, ...]:
    """Return all places in the order in which Hydra searches them: snnx, installed packages by name, the current folder.

    Raises:
        ValueError: the current folder's `pyproject.toml` is wrong, or an installed package that declares options has none.

    Example:
        >>> places()[0].conf == shipped("conf")
        True
    """
    found = {place.folder: place for place in (shipped_place(), *_installed())}
    here = Path.cwd().resolve()
    if (components := own_components(here)) or _holds_options(here):
        # An installed package with the same components is the current folder itself, installed: count it once.
        found = {folder: place for folder, place in found.items() if not set(place.components) & set(components)}
        found.setdefault(here, Place(here, components))
    return tuple(found.values())


def shipped_place() -> Place:
    """Return the place of the options that ship with snnx."""
    return Place(shipped("conf").parent)


def components() -> tuple[str, ...]:
    """Return the packages that the places add to the trusted ones: options may build their classes too."""
    return tuple(dict.fromkeys(name for place in places() for name in place.components))


def package_of(file: Path) -> str | None:
    """Return the name, as pip knows it, of the installed package that provides a file of options; `None` if there is none."""
    for entry in entry_points(group=GROUP):
        place = next((place for place in _installed() if entry.value in place.components), None)
        if place is not None and file.is_relative_to(place.folder):
            return entry.dist.name if entry.dist else entry.value
    return None


def component_folders() -> dict[str, Path]:
    """Return the path of each package in `components` by its top-level name, without importing it.

    A module `helper.py` has the path `helper`. Modules and packages beside one that is not installed, such as a `helper.py` in
    the project's folder, are returned too, because its components can import them.
    """
    found = {}
    for name in components():
        first = name.partition(".")[0]
        spec = find_spec(first)
        if spec is not None:
            folder = spec.submodule_search_locations or [str(Path(spec.origin or first).with_suffix(""))]
            found[first] = Path(next(iter(folder)))
    beside = {path.parent for path in found.values() if not INSTALLED & set(path.parts)}
    for folder in sorted(beside):
        for path in sorted((*folder.glob("*.py"), *folder.glob("*/__init__.py"))):
            module = path.parent if path.name == "__init__.py" else path.with_suffix("")
            found.setdefault(module.name, module)
    return found


@cache
def _installed() -> tuple[Place, ...]:
    """Return the places of installed packages, which declare them by an entry point in the group `snnx.options`."""
    found = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.value):
        try:
            spec = find_spec(entry.value)
        except ImportError:
            spec = None
        for package in map(Path, (spec and spec.submodule_search_locations) or ()):
            checkout = package.parent / "pyproject.toml"  # in an editable install, the folders are beside the package
            for folder in (package, *([package.parent] if checkout.is_file() else [])):
                if _holds_options(folder):
                    found.setdefault(entry.value, Place(folder.resolve(), (entry.value,)))
        if entry.value not in found:
            raise ValueError(
                f"the entry point {entry.name} of group {GROUP} must name a package that contains options; got {entry.value}"
            )
    return tuple(found.values())


def _holds_options(folder: Path) -> bool:
    return (folder / "conf").is_dir() or (folder / "sweeps").is_dir()
