"""Loads trained weights into a backbone, from a file that holds only tensors."""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from snnx.torch_file.check_header import check_header
from snnx.torch_file.load_file import GrowingFile, load_file

WRAPPERS = {"module.": "model.module", "_orig_mod.": "model._orig_mod"}
"""The prefix that DataParallel or torch.compile adds to every name, and the attribute that holds the wrapped model."""


def load_weights(network: nn.Module, path: str, *, name: str) -> None:
    """Load a state dict into `network`, or raise an error that says in one line how the two differ.

    The file cannot run code, nor grow while it is read; see `snnx.torch_file.load_file`. It may also be a checkpoint of snnx or
    Lightning; then the keys of its `state_dict` that begin with `backbone.` are read. From a `.safetensors` file of
    `snnx export`, tensors outside the backbone are left out. If the network is on the meta device, names and sizes are compared
    and nothing is loaded.

    Args:
        network: the network, whose parameter names are those of the file; `ResNet` has torchvision's names.
        path: file as written by `torch.save(model.state_dict(), path)`.
        name: option that holds the path, with which messages begin.

    Raises:
        FileNotFoundError: the file does not exist, or is a folder.
        ValueError: the file contains no state dict, or a tensor is missing, does not exist in the network, has another size, is
            sparse, quantized or without values, or is not finite.

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
        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            raise ValueError(f"{name}: {key} must be a dense tensor of floats; got another kind in {path}")
        if not bool(value.isfinite().all()):
            raise ValueError(f"{name}: {key} must be finite; got NaN or infinity in {path}: did its training diverge?")
    if not next(iter(wanted.values())).is_meta:
        network.load_state_dict({**wanted, **found})


def _read(path: str, name: str) -> dict[str, Tensor]:
    if path.endswith(".safetensors"):
        return _safetensors(path, name)
    try:
        found = load_file(Path(path))
    except GrowingFile as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception as error:  # a damaged file can make torch raise almost any error
        raise ValueError(  # torch's own message is several lines about torch.load's options
            f"{name}: must be a file of tensors only, as torch.save writes it; got {path}, which is another kind of file, is "
            f"damaged, or holds code ({type(error).__name__})"
        ) from None
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        below = "backbone."
        inner = found["state_dict"].items()
        found = {key.removeprefix(below): value for key, value in inner if isinstance(key, str) and key.startswith(below)}
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


def _is_state_dict(value: object) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    return all(isinstance(key, str) and isinstance(one, Tensor) for key, one in value.items())


def _safetensors(path: str, name: str) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise ValueError(
            f'{name}: safetensors must be installed to read {path}; got none; pip install "snnx[export]"'
        ) from None
    try:
        check_header(Path(path))
    except GrowingFile as error:
        raise ValueError(f"{name}: {error}") from None
    try:
        with safe_open(path, "pt") as file:
            written = json.loads((file.metadata() or {}).get("snnx", "{}"))  # written by `snnx export`
            further = set(map(str, written.get("further", ())))  # tensors of other stages
            return {key: file.get_tensor(key) for key in file.keys() if key not in further}  # noqa: SIM118
    except (SafetensorError, ValueError, TypeError, AttributeError, RecursionError) as error:  # in the header
        raise ValueError(f"{name}: must be a file of weights; got {path}, which is damaged: {error}") from None
