"""Composes a run the way the command line does, for tests that look at what comes out."""

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from snnx.compose.compose import job
from snnx.compose.sweep_options import register
from snnx.options.folders import shipped
from snnx.record.job import Job


def composed(*overrides: str) -> Job:
    """The job that `snnx OVERRIDES` would run."""
    GlobalHydra.instance().clear()
    register(overrides)
    with initialize_config_dir(str(shipped("conf")), version_base="1.3"):
        config = compose("config", overrides=list(overrides), return_hydra_config=True)
    return job(config, overrides=overrides, choices=dict(config.hydra.runtime.choices), command="snnx " + " ".join(overrides))
