"""Merges the rows of a sweep that choose the same options, without merging these options again for each row."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydra._internal.defaults_list import create_defaults_list
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException


class RowMerger:
    """Keeps the files that Hydra merges before and after a row, and merges other rows between them.

    Hydra merges one file after another. For example, `conf/config.yaml` and the neuron come before the row, and the scale after
    it. If two rows choose the same options, these files are the same for both.

    Args:
        loader: Hydra's loader of configurations.
        master: Hydra's configuration of the sweep.
        options: the words that choose the options of a run, among them its row.
        label: the label of that row.
    """

    def __init__(self, loader: Any, master: DictConfig, options: Sequence[str], label: str) -> None:
        self.loader = loader
        name, words = master.hydra.job.config_name, [*master.hydra.overrides.hydra, *options]
        parsed, self.repository = loader._parse_overrides_and_create_caching_repo(name, words)
        files = create_defaults_list(self.repository, name, parsed, prepend_hydra=True, skip_missing=False).defaults
        rows = [place for place, file in enumerate(files) if file.config_path == f"row/{label}"]
        dependent = any("${" in str(loaded.defaults_list) for loaded in self.repository.cache.values() if loaded)
        self.usable = len(rows) == 1 and not dependent  # if not, a word removes the row, or the label may choose options
        if self.usable:
            self.row, after = files[rows[0]], files[rows[0] + 1 :]
            before = loader._compose_config_from_defaults_list(files[: rows[0]], self.repository)
            OmegaConf.copy_cache(from_config=master, to_config=before)
            with open_dict(before):
                del before["hydra"]
            self.before = pickle.dumps(before)
            self.after = [loader._load_single_config(file, self.repository).config for file in after]

    def merged(self, label: str) -> DictConfig | None:
        """Merge the run with another row, without Hydra's own part; return `None` if only Hydra itself can merge it."""
        if not self.usable:
            return None
        config = pickle.loads(self.before)
        try:
            row = self.loader._load_single_config(replace(self.row, config_path=f"row/{label}"), self.repository)
            config.merge_with(row.config, *self.after)
        except OmegaConfBaseException:  # Hydra raises it again, and names the row
            return None
        OmegaConf.set_struct(config, True)
        return config
