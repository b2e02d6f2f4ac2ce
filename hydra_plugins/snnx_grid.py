"""Hydra's own sweeper over rows and grids, less one of its two passes over all runs."""

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

    The sweeper composes every run to see whether it can be, and the launcher composes all of them again before the first one
    starts, with the same complaints: of a sweep of hundreds of runs each pass takes longer than all else.
    """

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        pass
