"""Weights & Biases as a view of a run."""

import os
from pathlib import Path

import wandb
from pytorch_lightning.loggers import WandbLogger

from snnx.job import Job


class Wandb(WandbLogger):
    """One W&B run per run: group is the sweep, job type the row, the run id its hash, the config flat and plain.

    Online where an account is set up, offline otherwise; an offline run can be uploaded later with `wandb sync`.

    Args:
        job: the run.
        project: W&B project.
        mode: `online`, `offline`, or `null` to decide by whether an API key is known.
    """

    def __init__(self, *, job: Job, project: str = "snnx", mode: str | None = None) -> None:
        if mode is None:
            mode = os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline")
        sweep = job.config.get("sweep") or {}
        method = job.config["method"]["_target_"].rpartition(".")[2].lower()
        tags = [sweep.get("paper"), sweep.get("artifact"), method, job.scale]
        folder = Path(job.folder).absolute()
        super().__init__(
            name=f"{job.row}/s{job.seed}",
            id=job.id,
            project=project,
            save_dir=str(folder),
            resume="allow",
            group=job.sweep,
            job_type=job.row,
            tags=[tag for tag in tags if tag],
            mode=mode,
            config={"row": job.row, **flat({k: v for k, v in job.config.items() if k not in ("sweep", "logger")})},
            settings=wandb.Settings(
                console="off", x_disable_stats=True, x_disable_meta=True, disable_git=True, disable_code=True, silent=True
            ),
        )
        self.experiment.define_metric("epoch")
        self.experiment.define_metric("*", step_metric="epoch")
        self.experiment.define_metric("val/acc", summary="max")

    def close(self, exit_code: int) -> None:
        """End the W&B run as finished (0) or failed."""
        self.experiment.finish(exit_code=exit_code, quiet=True)


def flat(config: dict, prefix: str = "") -> dict:
    """A nested configuration as dotted keys, so that every swept axis is a column of its own.

    Example:
        >>> flat({"seed": 0, "neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": 2.0}})
        {'seed': 0, 'neuron': 'LIF', 'neuron.tau': 2.0}
    """
    found: dict = {}
    for key, value in config.items():
        if key == "_target_":
            found[prefix.rstrip(".")] = value.rpartition(".")[2]
        elif isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        elif not key.startswith("_"):
            found[f"{prefix}{key}"] = value
    return found
