"""Decides which environment variables a configuration may read."""

import os

from omegaconf import OmegaConf

from snnx.record.masked import SECRET

PREFIX = "SNNX_"
_ABSENT = object()


def restrict_environment() -> None:
    """Let `${oc.env:NAME}` read only variables whose names begin with `SNNX_`, such as `SNNX_DATA`.

    Names of secrets, such as `SNNX_TOKEN`, are refused too. A configuration is written to files and logged. So an option from
    somebody else could otherwise publish any variable.
    """
    OmegaConf.register_new_resolver("oc.env", _read, replace=True)
    OmegaConf.register_new_resolver("oc.deprecated", _refuse, replace=True)


def _refuse(*arguments: object) -> None:
    """Reject `${oc.deprecated:KEY,TEXT}`: it prints TEXT, which may come from somebody else and control the terminal."""
    raise ValueError("oc.deprecated must not be used in a configuration: name the new key instead")


def _read(name: str, default: object = _ABSENT) -> object:
    if not name.startswith(PREFIX):
        raise ValueError(f"oc.env must name an environment variable that begins with {PREFIX}; got {name}")
    if SECRET.search(name):
        raise ValueError(
            f"oc.env must not name a secret, because a configuration is written to files; got {name}: leave it in the "
            "environment, where W&B and other tools read it"
        )
    value = os.environ.get(name, default)
    if value is _ABSENT:
        raise ValueError(f"the environment variable {name} must be set, because the configuration reads it; got none")
    return value
