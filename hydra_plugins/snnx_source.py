"""Hydra's reader of options: it reads only the folders of options, and checks what it has read itself."""

from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf


class OptionSource(FileConfigSource):
    """Read the options in one `conf/`, as Hydra does for `file://`.

    `check_places` has already read all options, and reports a mistake in any of them. Here, each chosen option is checked
    once more as Hydra has read it: Hydra may find a file that a search of the folder does not show, may understand its text in
    another way, or may find another text in it by now.

    Raises:
        ValueError: a name leads out of `conf/`, or an option sets what only the command line may set.
    """

    @staticmethod
    def scheme() -> str:
        """Return the word before `://` for which Hydra takes this reader."""
        return "snnx"

    def is_config(self, config_path: str) -> bool:
        """Whether there is such an option."""
        parts = config_path.split("/")
        if ".." in parts:
            out = parts.index("..")
            raise ValueError(f"{'/'.join(parts[:out])} must be the name of an option; got {'/'.join(parts[out:])}")
        return super().is_config(config_path)

    def load_config(self, config_path: str) -> ConfigResult:
        """Read an option."""
        from snnx.options.folders import shipped
        from snnx.options.received import check_content, check_package

        read = super().load_config(config_path)
        if Path(self.path) != shipped("conf"):
            place = str(Path(self.path) / f"{config_path}.yaml")
            check_package(read.header["package"] or "", place)
            check_content(OmegaConf.to_container(read.config, resolve=False), place)
        return read
