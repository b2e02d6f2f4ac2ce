"""Weights & Biases as a view of a run."""

import netrc
import os
import warnings
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

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
        opened = partial(
            wandb.init,
            project=project,
            id=job.id,
            name=f"{job.row}/s{job.seed}"[:128],
            group=job.sweep,
            job_type=job.row[:64],
            tags=[tag[:64] for tag in tags if tag],
            config=flat(config, skip=("sweep", "logger", "dataset.root", "label", "force", "recorded")),
            dir=str(job.folder.absolute()),
            resume="allow",
            settings=wandb.Settings(
                console="off", silent=True, disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True,
                x_save_requirements=False, init_timeout=20,
            ),
        )  # fmt: skip
        run = _open(opened, mode or _mode())
        run.define_metric("epoch")
        run.define_metric("*", step_metric="epoch")
        run.define_metric("val/acc", summary="max")
        super().__init__(experiment=run)

    def close(self, exit_code: int) -> None:
        """End the W&B run as finished (0) or failed; the next run of this process starts its own."""
        self.experiment.finish(exit_code=exit_code)


def _mode() -> str:
    """What the user set, else online where a key is known; asking W&B itself would need the network."""
    if mode := os.environ.get("WANDB_MODE"):
        return mode
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        known = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        known = None
    return "online" if known or os.environ.get("WANDB_API_KEY") else "offline"


def _open(opened: Callable, mode: str):
    """The W&B run, offline if the server does not answer or does not know the key: a view must not cost a run."""
    try:
        return opened(mode=mode)
    except wandb.errors.Error as error:
        if mode == "offline":
            raise
        warnings.warn(f"W&B is not reachable ({' '.join(str(error).split())}); this run is kept offline", stacklevel=2)
        return opened(mode="offline")


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
