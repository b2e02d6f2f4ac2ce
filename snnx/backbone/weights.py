"""Loads trained weights into a backbone, from a file that holds only tensors."""

import json
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

WRAPPERS = {"module.": "model.module", "_orig_mod.": "model._orig_mod"}
"""What DataParallel and torch.compile put before every name, and where the model is that they wrap."""


def load_weights(network: nn.Module, path: str, *, name: str) -> None:
    """Load a state dict into `network`, or raise an error that says in one line how the two differ.

    The file is read with torch's `weights_only`, so that it cannot run code. It may also be a checkpoint of snnx or Lightning,
    of whose `state_dict` the keys below `backbone.` are read, or a `.safetensors` file of `snnx export`, from which tensors
    outside the backbone are left out. If the network is on the meta device, names and sizes are compared and nothing is loaded.

    Args:
        network: the network, whose parameter names are those of the file; `ResNet` has torchvision's names.
        path: file as written by `torch.save(model.state_dict(), path)`.
        name: option that holds the path, with which messages begin.

    Raises:
        FileNotFoundError: the file does not exist, or is a folder.
        ValueError: the file contains no state dict, or a tensor is missing, does not exist in the network, has another size, or
            is not finite.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/linear.pt"
        >>> torch.save(nn.Linear(3, 2).state_dict(), path)
        >>> load_weights(nn.Linear(3, 4), path, name="backbone.weights")
        Traceback (most recent call last):
        ValueError: backbone.weights: weight must be of size [4, 3]; got [2, 3] in .../linear.pt
    """
    if not Path(path).is_file():
        is_what = "is not a file" if Path(path).exists() else "does not exist"
        raise FileNotFoundError(f"{name}: must be a file of weights; got {path}, which {is_what}")
    found, wanted = _read(path, name), network.state_dict()
    for wrapper, unwrapped in WRAPPERS.items():
        if all(key.startswith(wrapper) for key in found) and not any(key.startswith(wrapper) for key in wanted):
            raise ValueError(
                f"{name}: names must be those of the network; got {path}, in which all begin with {wrapper}, as of a wrapped "
                f"model: save {unwrapped}.state_dict()"
            )
    for key in wanted:
        if key not in found and not key.endswith("num_batches_tracked"):  # files from before torch 0.4.1 lack it
            raise ValueError(f"{name}: {key} must be in the file; got {path} without it: is it of another architecture?")
    for key, value in found.items():
        if key not in wanted:
            raise ValueError(f"{name}: {key} must be in the network; got {path} with it: is it of another architecture?")
        if value.shape != wanted[key].shape:
            sizes = f"{list(wanted[key].shape)}; got {list(value.shape)}"
            raise ValueError(f"{name}: {key} must be of size {sizes} in {path}")
        if not bool(value.isfinite().all()):
            raise ValueError(f"{name}: {key} must be finite; got NaN or infinity in {path}: did its training diverge?")
    if not next(iter(wanted.values())).is_meta:
        network.load_state_dict({**wanted, **found})


def _read(path: str, name: str) -> dict[str, Tensor]:
    if path.endswith(".safetensors"):
        return _safetensors(path, name)
    try:
        compressed = _unpacked_size(path) > Path(path).stat().st_size  # it could unpack to any size
        found = None if compressed else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can make torch raise almost any error
        raise ValueError(  # torch's own message is several lines about torch.load's options
            f"{name}: must be a file of tensors only, as torch.save writes it; got {path}, which is another kind of file, is "
            f"damaged, or holds code ({type(error).__name__})"
        ) from None
    if compressed:
        raise ValueError(f"{name}: must be a file as torch.save writes it; got {path}, which is compressed")
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        below = "backbone."
        found = {key.removeprefix(below): value for key, value in found["state_dict"].items() if key.startswith(below)}
        if not found:
            raise ValueError(
                f"{name}: the state_dict of a checkpoint must have keys that begin with {below}, as those of snnx do; got none "
                f"in {path}; save the network's state_dict alone"
            )
    if isinstance(found, dict) and (inside := [key for key, value in found.items() if _is_state_dict(value)]):
        raise ValueError(
            f"{name}: must be a state dict, which maps names to tensors; got {path}, a checkpoint with a state dict under "
            f"{' and '.join(map(str, inside))}: save it alone"
        )
    if not _is_state_dict(found):
        raise ValueError(f"{name}: must be a state dict, which maps names to tensors; got {type(found).__name__} in {path}")
    return found


def _unpacked_size(path: str) -> int:
    """Return the bytes of all entries of an archive together, which may share their bytes in it; 0 if it is no archive."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _is_state_dict(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(one, Tensor) for one in value.values())


def _safetensors(path: str, name: str) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise ValueError(
            f'{name}: safetensors must be installed to read {path}; got none; pip install "snnx[export]"'
        ) from None
    try:
        with safe_open(path, "pt") as file:
            written = json.loads((file.metadata() or {}).get("snnx", "{}"))  # written by `snnx export`
            further = set(written.get("further", ()))  # tensors of other stages
            return {key: file.get_tensor(key) for key in file.keys() if key not in further}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{name}: must be a file of weights; got {path}, which is damaged: {error}") from None
