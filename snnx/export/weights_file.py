"""Trained weights as a safetensors file that says where they come from, and the same facts as JSON beside it."""

import json
from pathlib import Path

from snnx.record import provenance, result_file
from snnx.record.write import write
from snnx.run.reopen import Reopened


def export_weights(run: Reopened, to: Path) -> list[Path]:
    """Write the run's weights to `to` and what they belong to beside it, as `.json`.

    The backbone's tensors have its names; `method.checkpoint=FILE` and `backbone.weights=FILE` read them. Those of other stages
    have the stage before their names, `encoding.conv.weight`, and are listed as `further`. The header of the file holds the
    same JSON as the file beside it: `run`, `checkpoint`, its `epoch`, `versions`, `config` (resolved), `metrics` (what the run
    measured of these very weights) and `further`.

    Raises:
        ValueError: safetensors is not installed, nothing was trained, or `to` does not end in `.safetensors`.
    """
    try:
        from safetensors.torch import save
    except ImportError:
        raise ValueError('format=safetensors needs safetensors; got none: pip install "snnx[export]"') from None
    if to.suffix != ".safetensors":
        raise ValueError(f"to must end in .safetensors; got {to}")
    if run.weights is None:
        raise ValueError(f"{run.folder} must hold weights; got a run that trained nothing: export what it loaded")
    below = "backbone."
    tensors = {key.removeprefix(below): value.contiguous().clone() for key, value in run.weights.items()}
    facts = {
        "run": run.id,
        "checkpoint": run.checkpoint.name,
        "epoch": run.epoch,
        "versions": provenance.versions(),
        "config": run.config,
        "metrics": _measured(run),
        "further": [key for key in run.weights if not key.startswith(below)],
    }
    text = result_file.to_json(facts)
    write(to, save(tensors, metadata={"snnx": text}))
    return [to, write(to.with_suffix(".json"), json.dumps(json.loads(text), indent=1))]


def _measured(run: Reopened) -> dict:
    """Of the last epoch all metrics, of the best one what was tested of it, of any other nothing."""
    best = "_best"
    metrics = (result_file.read(run.folder) or {}).get("metrics", {})
    if run.epoch == run.config["trainer"]["max_epochs"]:
        return {key: value for key, value in metrics.items() if not key.endswith(best)}
    if run.epoch == metrics.get("best_epoch"):
        return {key.removesuffix(best): value for key, value in metrics.items() if key.endswith(best)}
    return {}
