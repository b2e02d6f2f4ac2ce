"""Finds the YAML files that ship with snnx: inside the package in a wheel, beside it in a checkout."""

from functools import cache
from pathlib import Path


@cache
def shipped(folder: str) -> Path:
    """Return the path of the shipped folder `conf` or `sweeps`.

    In a wheel both are inside the package; in a checkout or an editable install they are beside it.

    Raises:
        FileNotFoundError: the folder is in neither place, so the installation is broken.

    Example:
        >>> (shipped("conf") / "config.yaml").is_file()
        True
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / folder, package.parent / folder):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"snnx: the folder {folder} must be in or beside {package}; got none: reinstall snnx")
