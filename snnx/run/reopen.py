"""Opens a finished run again: its configuration and its trained weights."""

import os
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import yaml
from torch import Tensor

from snnx.method.base import Method
from snnx.options.strict_yaml import load as load_yaml
from snnx.record import result_file
from snnx.record.checkpoint import RUN, DamagedCheckpoint, epochs, load, path_of
from snnx.record.form import IDENTITY
from snnx.record.identity import run_id
from snnx.record.read import read
from snnx.record.run_folder import reject_links
from snnx.run import exported
from snnx.run.build import build_method
from snnx.run.component import PASSED

PARTS = ("dataset", "method", "budget", "trainer")
"""Groups that the configuration of every run has."""

ACCEPTED = "checkpoint must be a run's folder, a .ckpt in its ckpt/, or a .safetensors file of snnx export"
"""Begins the messages about a path that is none of these."""


LONGEST_CHAIN = 40
"""Links after each other that are followed, as many as Linux follows."""


@dataclass(frozen=True)
class Reopened:
    """A run's configuration and weights, before its network is built."""

    id: str
    folder: Path
    checkpoint: Path | None  # None: nothing was trained, so the network has its initial weights
    config: dict  # the frozen configuration, resolved, as plain dicts
    weights: dict[str, Tensor] | None
    epoch: int | None  # of the checkpoint, counted from 1

    def build(self, config: dict, data: object) -> Method:
        """Build the run's method and load its weights; `data` is the data module, or any object with `shape` and `classes`.

        Raises:
            ValueError: a weight is missing, left over or of another size, for example because `config` was changed.
        """
        method = build_method(config, data)
        if self.weights is None:
            return method
        expected = {key: list(value.shape) for key, value in method.state_dict().items()}
        found = {key: list(value.shape) for key, value in self.weights.items()}
        for key in {**expected, **found}:
            if expected.get(key) != found.get(key):
                rule = f"be of size {expected[key]}" if key in expected else "not be in it, as the network has no such weight"
                raise ValueError(
                    f"{self.checkpoint}: {key} must {rule}; got {found.get(key, 'none')}: the run had another architecture"
                )
        method.load_state_dict(self.weights)
        return method


def reopen(path: str | Path) -> Reopened:
    """Open a run by its folder, by a link to it, by one of its checkpoints, or by its weights as `snnx export` wrote them.

    For a folder the checkpoint of the best epoch is taken, or that of the last epoch if there is no best one.

    Args:
        path: path of a run's folder (`outputs/runs/HASH` or a link to it), of a `.ckpt` file in its `ckpt/`, or of a
            `.safetensors` file.

    Raises:
        FileNotFoundError: the path does not exist, or the checkpoints have been removed.
        ValueError: the path is not a run, or has links where a run has folders, or the run has not finished; the checkpoint is
            damaged or belongs to another run; or the run was computed by a version of snnx whose results differ from today's.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{ACCEPTED}; got {path}, which does not exist")
    if path.suffix == ".safetensors" and path.is_file():
        return _exported(path)
    is_checkpoint = path.is_file()
    folder = _real(path.parent.parent if is_checkpoint else path)
    if not os.path.lexists(folder / "config.yaml"):
        raise ValueError(f"{ACCEPTED}; got {path}, but there is no {folder / 'config.yaml'}")
    reject_links(folder)
    config = _frozen(folder)
    found = _identity(config, folder / "config.yaml")
    ended = None if is_checkpoint else _finished(folder)
    checkpoint = path if ended is None else _chosen(folder, ended)
    content = None if checkpoint is None else _content(checkpoint)
    # the folder's name does not count, because a copy may have another
    owners = {
        *([ended["hash"]] if ended else []),
        *([content[RUN]] if content else []),
    }
    for owner in owners - {found}:
        raise ValueError(
            f"{checkpoint or folder} must belong to the run of its config.yaml, {found}; got {owner}: config.yaml was changed, "
            "or another version of snnx computed the run"
        )
    weights = None if content is None else content.get("state_dict")
    if content is not None and not (isinstance(weights, dict) and all(isinstance(one, Tensor) for one in weights.values())):
        raise ValueError(f"{checkpoint} must contain a state_dict; got only {', '.join(map(str, content))}")
    epoch = content["epoch"] + 1 if content is not None and type(content.get("epoch")) is int else None
    return Reopened(found, folder, checkpoint, config, weights, epoch)


def _real(path: Path) -> Path:
    """Follow links to a run's folder, such as `outputs/single/seed=0`; a link that is itself named as a run is not followed.

    A run's own folder must be no link, which `reject_links` checks.
    """
    for _ in range(LONGEST_CHAIN):
        path = Path(os.path.realpath(path.parent), path.name)
        if not path.is_symlink() or IDENTITY.fullmatch(path.name):
            break
        path = path.parent / os.readlink(path)
    return path


def _exported(path: Path) -> Reopened:
    """Open a run by its exported weights, with this machine's folder of data sets."""
    found = exported.read(path)
    _require_ours(found.config, path)
    if (identity := _identity(found.config, path)) != found.run:
        raise ValueError(f"{path} must have the configuration of its run, {found.run}; got that of {identity}: it was changed")
    dataset = found.config["dataset"]
    if dataset.get("root") == "data":  # `snnx export` writes this in place of the folder of the machine that trained the run
        dataset["root"] = os.environ.get("SNNX_DATA", "data")
    return Reopened(found.run, path.parent, path, found.config, found.weights, found.epoch)


def _frozen(folder: Path) -> dict:
    try:
        config = load_yaml(read(folder / "config.yaml", links=False).decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{folder / 'config.yaml'} must be valid YAML; got a damaged file: {reason}") from None
    _require_ours(config, folder / "config.yaml")
    return config


def _require_ours(config: object, path: Path) -> None:
    ours = isinstance(config, dict) and all(isinstance(config.get(key), dict) for key in PARTS)
    if not (ours and type(config.get("seed")) is int):
        raise ValueError(f"{path} must have the configuration of a run of snnx; got that of another program")
    for group in {*PASSED, *chain.from_iterable(PASSED.values())}:
        if not is_component(node := config.get(group)) and not (
            isinstance(node, dict) and all(map(is_component, node.values()))
        ):
            raise ValueError(f"{path}: {group} must be null or components with a _target_ each; got {type(node).__name__}")


def is_component(node: object) -> bool:
    """Return whether the value of a group can be one component, or none.

    Example:
        >>> [is_component(node) for node in (None, {"_target_": "torch.nn.CrossEntropyLoss"}, {"alpha": 2.0}, "sigmoid")]
        [True, True, False, False]
    """
    return node is None or (isinstance(node, dict) and isinstance(node.get("_target_"), str))


def _identity(config: dict, path: Path) -> str:
    try:
        return run_id(config)
    except (TypeError, AttributeError) as error:  # a date, a number as a key, or a text where a group has a mapping
        raise ValueError(f"{path} must have the configuration of a run of snnx; got other values ({error})") from None


def _finished(folder: Path) -> dict:
    """Return the result of a finished run."""
    path = folder / "result.json"
    ended = result_file.parsed(read(path, links=False)) if path.is_file() else "one that has not finished"
    if isinstance(ended, str) or ended["status"] != "done":
        state = ended if isinstance(ended, str) else f"one with the status {ended['status']}"
        raise ValueError(f"{folder} must be a finished run; got {state}: finish it, or name a .ckpt in its ckpt/")
    return ended


def _chosen(folder: Path, ended: dict) -> Path | None:
    """Return the checkpoint of a finished run's best epoch, or else of its last; `None` if nothing was trained."""
    if (best := folder / "ckpt" / "best.ckpt").exists():
        if best.resolve().parent != folder / "ckpt":
            raise ValueError(f"{best} must be a link to a checkpoint beside it; got one to {best.resolve()}")
        return best
    if last := epochs(folder / "ckpt"):
        return path_of(folder / "ckpt", last[0])
    if ended["metrics"].get("best_epoch"):
        raise FileNotFoundError(f"{folder / 'ckpt'} must contain the checkpoint of a trained run; got none: it was removed")
    return None


def _content(checkpoint: Path) -> dict:
    try:
        content = load(checkpoint, None)
    except DamagedCheckpoint as error:
        raise ValueError(str(error)) from None
    if not isinstance(content.get(RUN), str):
        raise ValueError(f"{checkpoint} must be a checkpoint of snnx, with the entry {RUN}; got one of another program")
    return content
