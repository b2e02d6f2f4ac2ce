"""Hydra's own sweeper over rows and grids, without one of its two passes over all runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore


@dataclass
class GridConf(BasicSweeperConf):
    _target_: str = "hydra_plugins.snnx_grid.GridSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="snnx_grid", node=GridConf, provider="snnx")


class GridSweeper(BasicSweeper):
    """Leave the check of overrides to the launcher.

    Hydra's sweeper composes every run to check that it can be composed. Our launcher composes all runs again before the first
    one starts, and reports the same mistakes. In a sweep of hundreds of runs, each of these passes takes longer than all other
    preparation, so the first one is skipped.
    """

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        pass
