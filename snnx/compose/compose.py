"""Turns a composed configuration into a job: what to compute, and where to write it."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

from snnx.compose.references import counted
from snnx.options.places import places, shipped_place
from snnx.options.tune import tuned_label
from snnx.record import provenance
from snnx.record.identity import SWITCHES, contents, is_path_or_device, run_id
from snnx.record.job import Job

PAPER = "paper"  # the scale without factors
SEARCH = "search/"
"""The folder of the links to a search's trials. It lies beside the links to the sweep's runs; reports do not read it."""


def job(
    config: DictConfig,
    *,
    overrides: Sequence[str],
    choices: Mapping[str, str],
    unused: Sequence[tuple[str, str]],
    command: str,
) -> Job:
    """Turn a composed configuration into plain data: what to compute, and where to write it.

    Args:
        config: the composed configuration; it is changed, because a copy would take longer than all the rest.
        overrides: the words that the run was composed from.
        choices: the chosen option of each group.
        unused: the settings that `left_over` finds for these.
        command: the command line that the job records as its origin.

    Raises:
        ValueError: an option is chosen by a path to another folder, whose files nobody has checked.
    """
    for chosen, name in choices.items():
        if ".." in str(name).split("/"):
            raise ValueError(f"{chosen} must be the name of an option; got {name}")
    _leave_out(config, unused)
    plain = _resolved(config)
    seed, label = config.seed, config.label
    config.seed = -1  # values that refer to the seed get -1 too, so a run has the same group with every seed
    group = run_id(_resolved(config))
    named_overrides = [f"{o[1:]}=null" if o.startswith("~") and "=" not in o else o for o in overrides]
    task = [o for o in named_overrides if not _keeps_identity(o.split("=")[0].lstrip("+~"), plain)]
    search, tuned = plain["search"], plain["tuned"]
    sweep, label = choices.get("sweep"), tuned_label(label) if tuned else label
    chosen = tuned["values"] if tuned else {}
    rest = [o for o in task if o.split("=")[0] not in ("sweep", "row", "seed", *chosen)]
    named = ",".join([*([label] if label else []), f"seed={seed}"])
    budget = [o for o in task if o.startswith("budget.")]
    return Job(
        id=run_id(plain),
        group=group,
        name=f"{SEARCH if search else ''}{_file_name(named, ','.join(rest))}",
        sweep=sweep,
        row=f"{label or 'default'} trial {search['trial']}" if search else label or ",".join(rest) or "default",
        seed=seed,
        scale=", ".join([choices.get("scale") or PAPER, *budget]),
        overrides=list(overrides),
        command=command,
        git=_commits(),
        outputs="outputs",
        config=plain,
    )


def _commits() -> dict | None:
    """Return the commit of snnx, and under `project` that of the current folder if it has options or components."""
    here = next((place for place in places() if place.folder == Path.cwd().resolve() and place != shipped_place()), None)
    own = here and provenance.commit(here.folder, ("conf", "sweeps", *(name.partition(".")[0] for name in here.components)))
    found = {**(provenance.git() or {}), **({"project": own} if own else {})}
    return found or None


def _leave_out(config: DictConfig, unused: Sequence[tuple[str, str]]) -> None:
    """Leave out Hydra's own part and `unused` settings of groups."""
    with open_dict(config):
        config.pop("hydra", None)
    for group, key in unused:
        options = config[group]
        if OmegaConf.is_dict(options) and ("_target_" in options or "_target_" not in options.get(key, {})):
            with open_dict(options):
                options.pop(key, None)


def _resolved(config: DictConfig) -> dict:
    """Resolve a configuration to plain values, and add hashes of the files of weights that it names."""
    with counted():
        plain = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    loaded = contents(plain)
    return {**plain, "loaded": loaded} if loaded else plain


def _keeps_identity(key: str, config: dict) -> bool:
    """Whether changing this key leaves the identity and the name of a run the same."""
    in_groups = key.split(".")[0] in ("logger", "hydra")
    return in_groups or key in SWITCHES or is_path_or_device(key, config)


def _file_name(named: str, rest: str) -> str:
    """Return `named,rest` as a file name of at most 200 bytes; if `rest` must be changed or cut, a hash of it is appended."""
    safe = re.sub(r"[^\w,.=+\-\[\]]", "_", rest)
    room = 200 - len(f"{named},~12345678".encode())
    if safe != rest or len(safe.encode()) > room:
        safe = f"{safe.encode()[:room].decode(errors='ignore')}~{hashlib.sha256(rest.encode()).hexdigest()[:8]}"
    return f"{named},{safe}" if safe else named
