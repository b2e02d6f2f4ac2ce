"""Checks the settings that Weights & Biases would read from the current folder, which may come from somebody else."""

import configparser
from pathlib import Path

from snnx.record.read import read

PLACES = ("wandb/settings", ".wandb/settings")
"""The files of a folder that W&B reads as its settings, as `wandb init` writes them."""
SET_BY_SNNX = ("mode", "project")
"""Settings that snnx gives W&B itself, so that those of the file do not count."""
SECTION = "default"
"""The only section that W&B reads."""


def check_wandb_settings(folder: Path) -> None:
    """Reject a folder whose settings of W&B would decide where data and the API key are sent.

    W&B reads `wandb/settings` of the current folder before anything else. Its `base_url` or `https_proxy` would receive the API
    key, its `api_key` or `entity` would choose another account, and there are a hundred others.

    Args:
        folder: the folder in which W&B is started.

    Raises:
        ValueError: a file sets anything but `SET_BY_SNNX`, or cannot be read.
    """
    for path in (folder / place for place in PLACES):
        if unwanted := _unwanted(path):
            raise ValueError(
                f"{path} must set only {' and '.join(SET_BY_SNNX)}, because W&B would send your key and data as the file "
                f"says; got {unwanted}: move the file to ~/.config/wandb/settings if it is yours, else remove it"
            )


def _unwanted(path: Path) -> str:
    """Return the first key that must not be in the file, or what is wrong with it; empty if the file is fine or missing."""
    parser = configparser.ConfigParser()
    try:
        parser.read_string(read(path).decode())
        keys = dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError, configparser.Error):
        return "a file that cannot be read"
    return next((key for key in keys if key not in SET_BY_SNNX), "")
