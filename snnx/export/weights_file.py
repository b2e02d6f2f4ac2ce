"""Writes trained weights as a safetensors file with their origin in its header, and the same facts as a JSON file."""

import json
from pathlib import Path

from snnx.record import provenance, result_file
from snnx.record.identity import is_path_or_device
from snnx.record.write import write
from snnx.run.build import epochs_of
from snnx.run.reopen import Reopened


def export_weights(run: Reopened, to: Path) -> list[Path]:
    """Write the run's weights to the file `to`, and facts about them to a file of the same name that ends in `.json`.

    The backbone's tensors have the names that they have in the backbone, so that `method.checkpoint=FILE` and
    `backbone.weights=FILE` can read them. The names of other tensors begin with their stage, for example
    `encoding.conv.weight`. The JSON, which is also in the header of the file, has the keys `run`, `checkpoint`, `epoch`,
    `versions`, `config` (resolved, with `dataset.root=data`), `metrics` (measured with exactly these weights) and `further`
    (names of the tensors that are not the backbone's).

    Args:
        run: the run and one of its checkpoints.
        to: path of the file; must end in `.safetensors`.

    Returns:
        The two files.

    Raises:
        ValueError: safetensors is not installed, the run was not trained, or `to` does not end in `.safetensors`.
    """
    try:
        from safetensors.torch import save
    except ImportError:
        raise ValueError('format=safetensors needs safetensors; got none: pip install "snnx[export]"') from None
    if to.suffix != ".safetensors":
        raise ValueError(f"to must end in .safetensors; got {to}")
    if run.weights is None:
        raise ValueError(f"{run.folder} must contain weights; got a run that was not trained: export the file that it loaded")
    prefix = "backbone."
    tensors = {key.removeprefix(prefix): value.contiguous().clone() for key, value in run.weights.items()}
    facts = {
        "run": run.id,
        "checkpoint": run.checkpoint.name,
        "epoch": run.epoch,
        "versions": provenance.versions(),
        "config": _without_machine(run.config),
        "metrics": _measured(run),
        "further": [key for key in run.weights if not key.startswith(prefix)],
    }
    text = result_file.to_json(facts)
    write(to, save(tensors, metadata={"snnx": text}))
    return [to, write(to.with_suffix(".json"), json.dumps(json.loads(text), indent=1))]


def _without_machine(config: dict) -> dict:
    """Replace the folder of the data sets, which says nothing on another machine, unless it is what names the data set."""
    dataset = config["dataset"]
    if dataset.get("root") is None or not is_path_or_device("dataset.root", config):
        return config
    return {**config, "dataset": {**dataset, "root": "data"}}


def _measured(run: Reopened) -> dict:
    """The metrics of exactly these weights: all for the last epoch, the tested ones for the best, none for any other epoch."""
    best = "_best"
    metrics = (result_file.read(run.folder) or {}).get("metrics", {})
    if run.epoch == epochs_of(run.config):
        return {key: value for key, value in metrics.items() if not key.endswith(best)}
    if run.epoch == metrics.get("best_epoch"):
        return {key.removesuffix(best): value for key, value in metrics.items() if key.endswith(best)}
    return {}
