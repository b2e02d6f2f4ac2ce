"""The places that options come from: snnx itself, installed packages that bring some, and the folder that one stands in."""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from snnx.options.folders import shipped
from snnx.options.own_components import own_components

GROUP = "snnx.options"
"""The group of entry points by which an installed package says that it brings options."""


@dataclass(frozen=True)
class Place:
    """A folder with `conf/`, `sweeps/` or both, and the packages whose classes its options may build."""

    folder: Path
    components: tuple[str, ...] = ()

    @property
    def conf(self) -> Path:
        """Where its options lie, a folder a group."""
        return self.folder / "conf"

    @property
    def sweeps(self) -> Path:
        """Where its sweep files lie."""
        return self.folder / "sweeps"


def places() -> tuple[Place, ...]:
    """All places, in the order in which Hydra looks through them: snnx, installed packages by name, the current folder.

    Raises:
        ValueError: the current folder's `pyproject.toml` says something wrong, or an installed package brings no options.

    Example:
        >>> places()[0].conf == shipped("conf")
        True
    """
    found = {place.folder: place for place in (ours(), *_installed())}
    here = Path.cwd().resolve()
    if (components := own_components(here)) or _holds_options(here):
        # an installed package that is named here too is what this folder was installed as
        found = {folder: place for folder, place in found.items() if not set(place.components) & set(components)}
        found.setdefault(here, Place(here, components))
    return tuple(found.values())


def ours() -> Place:
    """The place that ships with snnx."""
    return Place(shipped("conf").parent)


def components() -> tuple[str, ...]:
    """The packages besides the trusted ones of snnx whose classes an option may build."""
    return tuple(dict.fromkeys(name for place in places() for name in place.components))


def component_folders() -> dict[str, Path]:
    """The packages of `components`, by the name that they are imported by, with their folders; nothing is imported."""
    found = {}
    for name in components():
        first = name.partition(".")[0]
        spec = find_spec(first)
        if spec is not None:
            folder = spec.submodule_search_locations or [str(Path(spec.origin or first).with_suffix(""))]
            found[first] = Path(next(iter(folder)))
    return found


@cache
def _installed() -> tuple[Place, ...]:
    """What installed packages bring, by their entry points in the group `snnx.options`."""
    found = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.value):
        try:
            spec = find_spec(entry.value)
        except ImportError:
            spec = None
        for package in map(Path, (spec and spec.submodule_search_locations) or ()):
            checkout = package.parent / "pyproject.toml"  # installed as editable: the folders still lie beside the package
            for folder in (package, *([package.parent] if checkout.is_file() else [])):
                if _holds_options(folder):
                    found.setdefault(entry.value, Place(folder.resolve(), (entry.value,)))
        if entry.value not in found:
            raise ValueError(
                f"the entry point {entry.name} of group {GROUP} must name a package that holds options; got {entry.value}"
            )
    return tuple(found.values())


def _holds_options(folder: Path) -> bool:
    return (folder / "conf").is_dir() or (folder / "sweeps").is_dir()
