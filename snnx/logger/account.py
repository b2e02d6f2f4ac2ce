"""Whether Weights & Biases can be used from here: asked of this machine, and of its server no more than to answer."""

import netrc
import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

PATIENCE_S = 5.0


def server() -> str:
    """The address of W&B: WANDB_BASE_URL, else the public one."""
    return os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai"


def mode() -> str:
    """What the user set, else online where a key is known; asking W&B itself would need the network."""
    return os.environ.get("WANDB_MODE") or ("online" if key_is_known() else "offline")


def key_is_known() -> bool:
    """Whether the environment or netrc holds a key; which one is not looked at."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(urlsplit(server()).hostname) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def obstacle() -> str | None:
    """Why nothing can be uploaded now, and what to do about it; `None` if nothing is known to be in the way."""
    if not key_is_known():
        return "no key of W&B is known: run `wandb login`, or set WANDB_API_KEY"
    address = urlsplit(server())
    if address.scheme in getproxies():
        return None  # somebody else opens the connection
    try:
        socket.create_connection((address.hostname, address.port or 443), timeout=PATIENCE_S).close()
    except OSError as error:
        return f"W&B must be reachable at {server()} ({error.strerror or error}): see to the network, or set WANDB_BASE_URL"
    return None
