"""Trained weights for a backbone, from a file that holds tensors and nothing else."""

import json
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn


def load_weights(network: nn.Module, path: str, *, name: str) -> None:
    """Load a state dict into `network`, or say in one line where the two differ.

    Read with `weights_only`, so that the file runs no code. A checkpoint of snnx or of Lightning is taken apart: of its
    `state_dict` the keys below `backbone.` are read. A file of `snnx export`, `.safetensors`, is as good: what it
    lists as another stage's is left out. On the meta device the names and sizes are compared and nothing is loaded.

    Args:
        network: takes the weights; its names are those of the file, torchvision's for `ResNet`.
        path: of the file, as `torch.save(model.state_dict(), path)` writes it.
        name: of the key that holds the path, for messages.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no state dict, or a tensor is missing, left over or of another size.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/linear.pt"
        >>> torch.save(nn.Linear(3, 2).state_dict(), path)
        >>> load_weights(nn.Linear(3, 4), path, name="backbone.weights")
        Traceback (most recent call last):
        ValueError: backbone.weights: weight must be of size [4, 3]; got [2, 3] in .../linear.pt
    """
    if not Path(path).is_file():
        is_what = "is no file" if Path(path).exists() else "does not exist"
        raise FileNotFoundError(f"{name}: must be a file of weights; got {path}, which {is_what}")
    found, wanted = _read(path, name), network.state_dict()
    for key in wanted:
        if key not in found and not key.endswith("num_batches_tracked"):  # which files from before torch 0.4.1 lack
            raise ValueError(f"{name}: {key} must be in the file; got {path} without it: another architecture?")
    for key, value in found.items():
        if key not in wanted:
            raise ValueError(f"{name}: {key} must have a place in the network; got {path} with it: another architecture?")
        if value.shape != wanted[key].shape:
            sizes = f"{list(wanted[key].shape)}; got {list(value.shape)}"
            raise ValueError(f"{name}: {key} must be of size {sizes} in {path}")
    if not next(iter(wanted.values())).is_meta:
        network.load_state_dict({**wanted, **found})


def _read(path: str, name: str) -> dict[str, Tensor]:
    if path.endswith(".safetensors"):
        return _safetensors(path, name)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ValueError(  # what torch says of it are lines on its own options
            f"{name}: must be a file of tensors only, as torch.save writes it; got {path}, which is none, damaged, or holds "
            f"code ({type(error).__name__})"
        ) from None
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        below = "backbone."
        found = {key.removeprefix(below): value for key, value in found["state_dict"].items() if key.startswith(below)}
        if not found:
            raise ValueError(
                f"{name}: a state_dict within a checkpoint must be of snnx, whose keys begin with {below}; got another "
                f"project's in {path}: save its state_dict alone, under the network's own names"
            )
    if not isinstance(found, dict) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"{name}: must be a state dict, a name to a tensor; got {type(found).__name__} in {path}")
    return found


def _safetensors(path: str, name: str) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise ValueError(f'{name}: {path} needs safetensors to be read; got none: pip install "snnx[export]"') from None
    try:
        with safe_open(path, "pt") as file:
            written = json.loads((file.metadata() or {}).get("snnx", "{}"))  # by `snnx export`
            further = set(written.get("further", ()))  # of other stages
            return {key: file.get_tensor(key) for key in file.keys() if key not in further}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{name}: must be a file of weights; got {path}, which is damaged: {error}") from None
