"""Reads the user's own packages, whose classes an option may build, from the `pyproject.toml` of a folder."""

import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from snnx.options.read_text import read_text

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def own_components(folder: Path) -> tuple[str, ...]:
    """Return the packages listed under `[tool.snnx] components` in a folder's `pyproject.toml`; none if there is no list.

    A user who works in a folder trusts its `pyproject.toml`. Options, rows and run folders may come from other people, so they
    cannot add a package.

    Raises:
        ValueError: the file is not valid TOML, or `[tool.snnx]` contains anything else than a list of packages.
    """
    path = folder / "pyproject.toml"
    try:
        modified = path.stat().st_mtime_ns
    except OSError:
        return ()
    return _listed(path, modified)


@cache
def _listed(path: Path, modified: int) -> tuple[str, ...]:
    try:
        tools = tomllib.loads(read_text(path)).get("tool", {})
        table = tools.get("snnx", {}) if isinstance(tools, dict) else tools
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: must be TOML; {error}") from None
    if not isinstance(table, dict) or set(table) - {"components"}:
        given = ", ".join(sorted(table)) if isinstance(table, dict) else table
        raise ValueError(f"{path}: [tool.snnx] must contain only the key components; got {given}")
    names = table.get("components", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise ValueError(f'{path}: [tool.snnx] components must be a list of packages, such as ["mylab"]; got {names}')
    for name in names:
        if name.partition(".")[0] in sys.stdlib_module_names:
            raise ValueError(f"{path}: [tool.snnx] components must not name a package of Python's standard library; got {name}")
    return tuple(names)


@dataclass(frozen=True)
class Components(MetaPathFinder):
    """Finds packages of some names in a folder."""

    folder: str
    names: frozenset[str]

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [self.folder]) if path is None and name in self.names else None


def make_importable(folder: Path) -> None:
    """Let Python find the components that a folder lists beside its `pyproject.toml`, without PYTHONPATH.

    Nothing else in the folder can be imported: a received folder may have modules that are named like those of a library.

    Raises:
        ValueError: a listed package cannot be found; see also `own_components`.
    """
    if not (names := own_components(folder)):
        return
    finder = Components(str(folder), frozenset(name.partition(".")[0] for name in names))
    if finder not in sys.meta_path:
        sys.meta_path.insert(0, finder)
    for name in names:
        if find_spec(name.partition(".")[0]) is None:
            raise ValueError(
                f"{folder / 'pyproject.toml'}: [tool.snnx] components must name packages that are installed or beside it; "
                f"got {name}"
            )
