"""Lets Hydra find the options of installed packages and of the current folder, besides those that ship with snnx."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class Places(SearchPathPlugin):
    """Add the `conf/` of installed packages and of the current folder to snnx's search path, and to no other program's.

    All are read by `OptionSource`.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        from snnx.options.places import places, shipped_place

        main = next((element for element in search_path.get_path() if element.provider == "main"), None)
        if main is None or main.path != str(shipped_place().conf):
            return
        main.path = f"snnx://{main.path}"
        for place in places():
            if place != shipped_place() and place.conf.is_dir():
                search_path.append(provider=place.folder.name, path=f"snnx://{place.conf}")
