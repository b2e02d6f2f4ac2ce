"""Composes a run as the command line does, for tests that inspect its configuration or build one of its parts."""

from collections.abc import Sequence
from functools import cache

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from snnx.compose import single
from snnx.compose.freeze import freeze
from snnx.compose.sweep_options import register
from snnx.options.folders import shipped
from snnx.record.job import Job
from snnx.run.component import component


def composed(*overrides: str) -> Job:
    """The job that `snnx OVERRIDES` would run."""
    return single.composed(overrides, "snnx " + " ".join(overrides))


def composed_together(shared: Sequence[str], runs: Sequence[Sequence[str]]) -> list[Job]:
    """The jobs of a sweep: each has the words `shared` and its own. What they have in common is merged once."""
    GlobalHydra.instance().clear()
    register(shared)
    with initialize_config_dir(str(shipped("conf")), version_base="1.3"):
        app = GlobalHydra.instance().hydra
        return freeze(
            app.config_loader, app.compose_config("config", list(shared), RunMode.MULTIRUN), [[*shared, *run] for run in runs]
        )


@cache
def configuration(*overrides: str) -> dict:
    """The configuration of `snnx OVERRIDES`; it is composed once, so do not change it."""
    return composed(*overrides).config


def option(group: str, name: str, *overrides: str) -> object:
    """Build the component of an option, with the default options of all other groups."""
    return component(configuration(f"{group}={name}", *overrides), group)
