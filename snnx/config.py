"""The schema of a run, the options that live outside `conf/`, and a composed configuration as a job."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import OverrideType
from omegaconf import DictConfig, OmegaConf

from snnx import provenance, sweepfile
from snnx.home import home
from snnx.identity import PLACES, contents, run_id
from snnx.job import Job
from snnx.sweepfile import Row, SweepFile


@dataclass
class Budget:
    """What a scale holds: factors on the paper's settings, applied where the stages are built."""

    epochs: float = 1.0
    samples: float = 1.0
    width: float = 1.0


@dataclass
class Sweep:
    """The facts of a sweep file, for loggers and reports."""

    paper: str = "???"
    artifact: str = "???"
    factor: str | None = None
    metric: str = "val/acc"
    unit: str | None = None
    claims: list[Any] = field(default_factory=list)
    needs: str | None = None


@dataclass
class Run:
    """The top level of a run's configuration: plain values with their types, and one node a group."""

    timesteps: int = 4
    seed: int = 0
    dataset: Any = None
    augmentation: Any = None
    encoding: Any = None
    surrogate: Any = None
    neuron: Any = None
    attention: Any = None
    backbone: Any = None
    decoding: Any = None
    loss: Any = None
    init: Any = None
    method: Any = None
    quantization: Any = None
    metric: dict[str, Any] = field(default_factory=dict)
    optimizer: Any = None
    scheduler: Any = None
    trainer: Any = None
    logger: dict[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    sweep: Sweep | None = None
    label: str | None = None  # of the row
    force: bool = False  # run again what is done
    recorded: bool = False  # count runs of the committed record as done


def job(config: DictConfig, *, overrides: Sequence[str], choices: Mapping[str, str], command: str) -> Job:
    """A composed configuration as plain data: what to compute, and where it goes."""
    task = [o for o in overrides if not _is_plumbing(o.split("=")[0].lstrip("+~"))]
    sweep, label = choices.get("sweep"), config.label
    rest = [o for o in task if o.split("=")[0] not in ("sweep", "row", "seed")]
    named = ",".join([*([label] if label else []), f"seed={config.seed}"])
    budget = [o for o in task if o.startswith("budget.")]
    plain = _plain(config)
    return Job(
        id=run_id(plain),
        group=run_id(_plain(config, seed=-1)),  # the same for every seed: runs that share it differ in nothing else
        name=_file_name(named, ",".join(rest)),
        sweep=sweep,
        row=label or ",".join(rest) or "default",
        seed=config.seed,
        scale=", ".join([choices["scale"], *budget]),
        overrides=list(overrides),
        command=command,
        git=provenance.git(),
        outputs="outputs",
        config=plain,
    )


def _plain(config: DictConfig, seed: int | None = None) -> dict:
    """The configuration without Hydra's own part, resolved, of plain values; another seed is so wherever it is referred to."""
    copy = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    if seed is not None:
        copy.seed = seed
    plain = OmegaConf.to_container(copy, resolve=True, enum_to_str=True)
    loaded = contents(plain)
    return {**plain, "loaded": loaded} if loaded else plain


def _is_plumbing(key: str) -> bool:
    return key in {"force", "recorded", *PLACES} or key.split(".")[0] in ("logger", "hydra")


def _file_name(named: str, rest: str) -> str:
    """`named,rest` as one path component of at most 200 bytes; if `rest` loses anything, it ends in a hash of it."""
    safe = re.sub(r"[^\w,.=+\-\[\]]", "_", rest)
    room = 200 - len(f"{named},~12345678".encode())
    if safe != rest or len(safe.encode()) > room:
        safe = f"{safe.encode()[:room].decode(errors='ignore')}~{hashlib.sha256(rest.encode()).hexdigest()[:8]}"
    return f"{named},{safe}" if safe else named


def register(words: Sequence[str], completing: Sequence[str] = ()) -> None:
    """Store the schema, the names of all sweeps, and in full the one that the command line selects.

    Words that the shell is `completing` select a sweep too, but may be half typed.

    Only the selected sweep's rows become options: with all rows in the store Hydra takes seconds to start.

    Raises:
        ValueError: the selected sweep does not exist or is not one file, has no such row, or what its rows vary is overridden
            beside it.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=Run)
    store.repo.pop("row", None)
    for name in sweepfile.names():
        store.store(group="sweep", name=name, node={}, package="_global_", provider=f"{name}.yaml")
    chosen = next((word.removeprefix("sweep=") for word in (*words, *completing) if word.startswith("sweep=")), None)
    if chosen and "," in chosen:
        raise ValueError(f"sweep must be one sweep file, since each brings its own rows and seeds; got {chosen}")
    if not chosen or chosen == "null":
        return
    sweep = sweepfile.read(sweepfile.find(chosen))
    labels = [row.label for row in sweep.live]
    for asked in (label for word in words if word.startswith("row=") for label in word.removeprefix("row=").split(",")):
        if asked not in labels:
            raise ValueError(f"row must be one of {', '.join(labels)} of sweep {chosen}; got {asked}")
    given = {word.split("=")[0] for word in words}
    for row in sweep.live:
        if clash := sorted(given & {o.split("=")[0] for o in row.overrides}):
            raise ValueError(f"sweep {chosen} varies {', '.join(clash)} by its rows; narrow with row=..., not with {clash[0]}=")
        store.store(group="row", name=row.label, node=_option(sweep, row), package="_global_", provider=f"{chosen}.yaml")
    store.store(group="sweep", name=chosen, node=_layer(sweep), package="_global_", provider=f"{chosen}.yaml")


def _layer(sweep: SweepFile) -> dict:
    """The sweep file as an override layer: its own defaults last, its rows one more axis of the sweeper."""
    body = dict(sweep.body)
    if sweep.live:
        axes = body.setdefault("hydra", {}).setdefault("sweeper", {}).setdefault("params", {})
        body["hydra"]["sweeper"]["params"] = {"row": ",".join(row.label for row in sweep.live), **axes}
    body["defaults"] = ["_self_", *body.get("defaults", [])]
    return body


def _option(sweep: SweepFile, row: Row) -> dict:
    """`[neuron=plif, neuron.tau=4]` as a config-store option: groups become defaults, everything else values."""
    defaults: list = ["_self_"]
    values = OmegaConf.create({"label": row.label})
    for override in OverridesParser.create().parse_overrides(list(row.overrides)):
        if override.type is not OverrideType.CHANGE or override.is_sweep_override():
            raise ValueError(f"{sweep.name}.yaml: row {row.label}: set must hold plain key=value; got {override.input_line}")
        if (home("conf") / override.key_or_group).is_dir():
            defaults.append({f"override /{override.key_or_group}": override.value()})
        else:
            OmegaConf.update(values, override.key_or_group, override.value())
    return {"defaults": defaults, **OmegaConf.to_container(values)}


def config_dir() -> Path:
    """The folder that Hydra reads."""
    return home("conf")
