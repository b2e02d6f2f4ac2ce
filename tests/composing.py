"""Composes a run as the command line does, for tests that inspect its configuration or build one of its parts."""

from functools import cache

from snnx.compose import single
from snnx.record.job import Job
from snnx.run.component import component


def composed(*overrides: str) -> Job:
    """The job that `snnx OVERRIDES` would run."""
    return single.composed(overrides, "snnx " + " ".join(overrides))


@cache
def configuration(*overrides: str) -> dict:
    """The configuration of `snnx OVERRIDES`; it is composed once, so do not change it."""
    return composed(*overrides).config


def option(group: str, name: str, *overrides: str) -> object:
    """Build the component of an option, with the default options of all other groups."""
    return component(configuration(f"{group}={name}", *overrides), group)
