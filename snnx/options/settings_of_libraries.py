"""Rejects files of the current folder that a library would read as its own settings."""

import os
from pathlib import Path

READ = {".numba_config.yaml": "numba", "matplotlibrc": "matplotlib"}
"""The library that reads each file of the current folder when it is imported."""


def reject_settings_of_libraries(folder: Path) -> None:
    """Reject a folder that may come from somebody else and would change what a library executes.

    numba loads compiled code from the folder that `.numba_config.yaml` names, and a `matplotlibrc` can let matplotlib start
    LaTeX on any text.

    Raises:
        ValueError: the folder contains such a file.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> reject_settings_of_libraries(folder)
        >>> (folder / "matplotlibrc").touch()
        >>> reject_settings_of_libraries(folder)            # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: .../matplotlibrc must not be in the folder of a project, because matplotlib would read it; ...
    """
    for name, library in READ.items():
        if os.path.lexists(path := folder / name):
            raise ValueError(
                f"{path} must not be in the folder of a project, because {library} would read it; got one: if it is yours, set "
                f"{library}'s settings for your user or by environment variables, else remove it"
            )
