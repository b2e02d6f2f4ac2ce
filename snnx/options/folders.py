"""Where the shipped YAML lies: inside the package in a wheel, beside it in a checkout."""

from pathlib import Path


def shipped(folder: str) -> Path:
    """The shipped folder `conf` or `sweeps`.

    A wheel carries both inside the package; a checkout and an editable install have them beside it.

    Raises:
        FileNotFoundError: neither place has the folder: the installation is broken.

    Example:
        >>> (shipped("conf") / "config.yaml").is_file()
        True
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / folder, package.parent / folder):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"snnx: the folder {folder} must lie in or beside {package}; reinstall snnx")
