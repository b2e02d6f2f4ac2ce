"""Whether Weights & Biases can be used on this machine: whether an API key is known and the server can be reached."""

import configparser
import netrc
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

PATIENCE_S = 5.0  # time limit for connecting to the server
PUBLIC = "https://api.wandb.ai"


def server() -> str:
    """The address of the W&B server: WANDB_BASE_URL, or that of the user's own settings, or the public server.

    The user's settings are in `~/.config/wandb`, or in WANDB_CONFIG_DIR, where `wandb login --host` writes them. Settings of
    the current folder do not count, because the folder may come from somebody else; see `wandb_settings`.
    """
    return os.environ.get("WANDB_BASE_URL") or _of_the_user() or PUBLIC


def _of_the_user() -> str | None:
    parser = configparser.ConfigParser()
    try:
        parser.read(Path(os.environ.get("WANDB_CONFIG_DIR") or "~/.config/wandb").expanduser() / "settings")
        return parser.get("default", "base_url", fallback=None)
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None


def mode() -> str:
    """The W&B mode: WANDB_MODE if it is set, otherwise `online` if a key is known and `offline` if not.

    W&B itself would need the network to decide this.
    """
    return os.environ.get("WANDB_MODE") or ("online" if key_is_known() else "offline")


def key_is_known() -> bool:
    """Whether WANDB_API_KEY or the netrc file has a key; the key itself is not read further."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(urlsplit(server()).hostname) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def obstacle() -> str | None:
    """Say why nothing can be uploaded now and what to do about it.

    Returns:
        One line, or `None` if no obstacle is known.
    """
    if not key_is_known():
        return "no W&B API key is known: run `wandb login`, or set WANDB_API_KEY"
    address = urlsplit(server())
    if address.scheme in getproxies():
        return None  # a proxy opens the connection, so a direct one proves nothing
    try:
        socket.create_connection((address.hostname, address.port or 443), timeout=PATIENCE_S).close()
    except OSError as error:
        return f"W&B must be reachable at {server()} ({error.strerror or error}): check the network, or set WANDB_BASE_URL"
    return None
