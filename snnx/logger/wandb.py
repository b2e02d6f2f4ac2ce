"""Weights & Biases as a view of a run."""

import os

import wandb
from pytorch_lightning.loggers import WandbLogger

from snnx.job import Job


class Wandb(WandbLogger):
    """One W&B run per run: group is the sweep, job type the row, the id its hash, the configuration flat and plain.

    Online where an account is set up, offline otherwise; `wandb sync` uploads an offline run later. What is logged holds no
    path, no environment and nothing secret.

    Args:
        job: the run.
        project: W&B project.
        mode: `online`, `offline`, or `None` to decide by whether credentials are known.
    """

    def __init__(self, *, job: Job, project: str, mode: str | None = None) -> None:
        sweep = job.config["sweep"] or {}
        own = job.config["method"].items()
        method = {key: value for key, value in own if not isinstance(value, dict)}  # the stages stand once, as their groups
        config = {"row": job.row, "scale": job.scale, **job.config, "method": method}
        name = method["_target_"].rpartition(".")[2].lower()
        tags = [sweep.get("paper"), sweep.get("artifact"), name, job.scale]
        run = wandb.init(
            project=project,
            id=job.id,
            name=f"{job.row}/s{job.seed}"[:128],
            group=job.sweep,
            job_type=job.row[:64],
            tags=[tag[:64] for tag in tags if tag],
            config=flat(config, skip=("sweep", "logger", "dataset.root", "label", "force", "recorded")),
            dir=str(job.folder.absolute()),
            mode=mode or _mode(),
            resume="allow",
            settings=wandb.Settings(
                console="off", silent=True, disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True,
                x_save_requirements=False,
            ),
        )  # fmt: skip
        run.define_metric("epoch")
        run.define_metric("*", step_metric="epoch")
        run.define_metric("val/acc", summary="max")
        super().__init__(experiment=run)

    def close(self, exit_code: int) -> None:
        """End the W&B run as finished (0) or failed; the next run of this process starts its own."""
        self.experiment.finish(exit_code=exit_code)


def _mode() -> str:
    """What the user set, else online where credentials are known."""
    if mode := os.environ.get("WANDB_MODE"):
        return mode
    return "online" if wandb.login(prompt=False) else "offline"


def flat(config: dict, prefix: str = "", skip: tuple[str, ...] = ()) -> dict:
    """A nested configuration as dotted keys, so that every swept axis is a column of its own.

    Example:
        >>> flat({"seed": 0, "neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": 2.0}})
        {'seed': 0, 'neuron': 'LIF', 'neuron.tau': 2.0}
    """
    found: dict = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if path in skip:
            continue
        if key == "_target_":
            found[prefix.rstrip(".")] = value.rpartition(".")[2]
        elif isinstance(value, dict):
            found |= flat(value, f"{path}.", skip)
        elif not key.startswith("_"):
            found[path] = value
    return found
