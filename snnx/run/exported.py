"""Reads the weights that `snnx export` has written, with the configuration of the run that they come from."""

import json
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from snnx.torch_file.check_header import check_header


class Exported(NamedTuple):
    """The contents of a safetensors file of snnx."""

    run: str
    """Identity of the run."""
    config: dict
    weights: dict[str, Tensor]
    """The state dict of the run's method."""
    epoch: int | None


def read(path: Path) -> Exported:
    """Read a file of weights; no code of the file is called.

    Raises:
        ValueError: safetensors is not installed, or the file is damaged, has too long a header, or was not written by
            `snnx export`.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise ValueError(f'safetensors must be installed to read {path}; got none; pip install "snnx[export]"') from None
    check_header(path)
    try:
        with safe_open(str(path), "pt") as file:
            facts = json.loads((file.metadata() or {}).get("snnx", "{}"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be a file of weights; got one that is damaged: {error}") from None
    if not isinstance(facts, dict) or not isinstance(facts.get("run"), str) or not isinstance(facts.get("config"), dict):
        raise ValueError(f"{path} must have been written by snnx export, with the run's configuration in its header; got none")
    further = facts.get("further")
    others = set(map(str, further)) if isinstance(further, list) else set()
    weights = {key if key in others else f"backbone.{key}": value for key, value in tensors.items()}
    epoch = facts.get("epoch")
    return Exported(facts["run"], facts["config"], weights, epoch if type(epoch) is int else None)
