"""Hydra's own sweeper over rows and grids, without one of its two passes over all runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser


@dataclass
class GridConf(BasicSweeperConf):
    _target_: str = "hydra_plugins.snnx_grid.GridSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="snnx_grid", node=GridConf, provider="snnx")


class GridSweeper(BasicSweeper):
    """Leave the check of overrides to the launcher.

    Hydra's sweeper composes every run to check that it can be composed. Our launcher composes all runs again before the first
    one starts, and reports the same mistakes. In a sweep of hundreds of runs, each of these passes takes longer than all other
    preparation, so the first one is skipped.

    Raises:
        ValueError: a value is listed twice, as in `seed=0,1,1`.
    """

    def sweep(self, arguments: list[str]) -> object:
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        given = {one.get_key_element(): one for one in parser.parse_overrides([*self._parse_config(), *arguments])}
        for override in given.values():  # of a key of the sweep file and of the command line, the latter
            values = list(override.sweep_string_iterator()) if override.is_discrete_sweep() else []
            if twice := next((value for value in values if values.count(value) > 1), None):
                raise ValueError(f"{override.key_or_group} must list each value once; got {twice} twice")
        return super().sweep(arguments)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        pass
