"""Makes sweep files and their rows available as options of Hydra."""

from collections.abc import Callable, Sequence
from functools import cache

from hydra.core.config_store import ConfigNode, ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf

from snnx.compose.environment import restrict_environment
from snnx.compose.references import limit_references
from snnx.compose.schema import RunSchema
from snnx.options import sweepfile
from snnx.options.files import is_group
from snnx.options.nearest import nearest
from snnx.options.received import check_content
from snnx.options.row import Row
from snnx.options.sweepfile import SweepFile
from snnx.report.data.claim import read as read_claims


def register(words: Sequence[str], completing: Sequence[str] = ()) -> None:
    """Register the schema, the names of all sweeps, and the content of the sweep that the command line selects.

    From now on, configurations can read only some environment variables, and their references cannot become too large; see
    `restrict_environment` and `limit_references`.

    Only the rows of the selected sweep become options, because with the rows of all sweeps Hydra takes seconds to start.

    Args:
        words: the command line.
        completing: words that the shell is completing; they select a sweep too, but are not checked, since they may be
            incomplete.

    Raises:
        ValueError: the selected sweep does not exist, several sweeps are selected, the sweep has no such row, a claim is
            malformed, or the command line overrides a key that the rows vary.
    """
    restrict_environment()
    limit_references()
    store = ConfigStore.instance()
    store.store(name="schema", node=RunSchema)
    store.repo.pop("row", None)
    for name in sweepfile.names():
        store.store(group="sweep", name=name, node={}, package="_global_", provider=f"{name}.yaml")
    chosen = next((word.removeprefix("sweep=") for word in (*words, *completing) if word.startswith("sweep=")), None)
    if chosen and "," in chosen:
        raise ValueError(f"sweep must be a single sweep file, because each has its own rows and seeds; got {chosen}")
    if not chosen or chosen == "null":
        return
    sweep = sweepfile.read(sweepfile.find(chosen))
    read_claims(sweep)  # a mistake in a claim is reported now, not after the runs
    labels = sweep.words
    for asked in (label for word in words if word.startswith("row=") for label in word.removeprefix("row=").split(",")):
        if asked not in labels:
            raise ValueError(f"row must be one of {', '.join(labels)} in sweep {chosen}; got {asked}{nearest(asked, labels)}")
    given = {word.split("=")[0] for word in words}
    if sweep.tune and given & {"search", "tuned"}:  # a search has started this run with these words
        given -= set(sweep.tune.keys)
    rows, parser = _Rows(), OverridesParser.create()
    parsed = cache(lambda word: parser.parse_overrides([word])[0])  # rows of a grid have words in common
    for row in sweep.live:
        if clash := sorted(given & {o.split("=")[0] for o in row.overrides}):
            raise ValueError(
                f"{', '.join(clash)} must not be set in sweep {chosen}, whose rows set it; got {clash[0]}=: choose rows by row="
            )
        name = f"{row.label}.yaml"
        rows[name] = ConfigNode(name, _option(sweep, row, parsed), group="row", package="_global_", provider=f"{chosen}.yaml")
    if rows:
        store.repo["row"] = rows
    store.store(group="sweep", name=chosen, node=_layer(sweep), package="_global_", provider=f"{chosen}.yaml")


class _Rows(dict):
    """The rows in Hydra's store. Hydra copies its store for each run that it composes; the copies share the rows."""

    def __deepcopy__(self, memo: dict) -> "_Rows":
        return self


def _layer(sweep: SweepFile) -> dict:
    """Turn a sweep file into an option of Hydra: its defaults are applied last, and its rows become an axis of the sweeper."""
    body = dict(sweep.body)
    if sweep.live:
        axes = ((body.get("hydra") or {}).get("sweeper") or {}).get("params") or {}
        body["hydra"] = {"sweeper": {"params": {"row": ",".join(row.label for row in sweep.live), **axes}}}
    body["defaults"] = ["_self_", *body.get("defaults", [])]
    return body


def _option(sweep: SweepFile, row: Row, parsed: Callable[[str], Override]) -> DictConfig:
    """Turn a row such as `[neuron=plif, neuron.tau=4]` into an option of Hydra: groups become defaults, other keys values."""
    defaults: list = ["_self_"]
    values = []
    for override in map(parsed, row.overrides):
        if override.type is not OverrideType.CHANGE or override.is_sweep_override():
            raise ValueError(f"{sweep.name}.yaml: row {row.label}: set must contain only key=value; got {override.input_line}")
        if is_group(override.key_or_group):
            defaults.append({f"override /{override.key_or_group}": override.value()})
        else:
            values.append(override)
    check_content({"defaults": defaults}, f"{sweep.name}.yaml: row {row.label}")
    option = OmegaConf.create({"defaults": defaults, "label": row.label})
    for override in values:
        OmegaConf.update(option, override.key_or_group, override.value())
    return option
