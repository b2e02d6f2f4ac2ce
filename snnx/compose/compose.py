"""A composed configuration as a job: what to compute, and where it goes."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from omegaconf import DictConfig, OmegaConf

from snnx.record import provenance
from snnx.record.identity import PLACES, contents, run_id
from snnx.record.job import Job


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
    return key in {"force", "recorded", "outdated", *PLACES} or key.split(".")[0] in ("logger", "hydra")


def _file_name(named: str, rest: str) -> str:
    """`named,rest` as one path component of at most 200 bytes; if `rest` loses anything, it ends in a hash of it."""
    safe = re.sub(r"[^\w,.=+\-\[\]]", "_", rest)
    room = 200 - len(f"{named},~12345678".encode())
    if safe != rest or len(safe.encode()) > room:
        safe = f"{safe.encode()[:room].decode(errors='ignore')}~{hashlib.sha256(rest.encode()).hexdigest()[:8]}"
    return f"{named},{safe}" if safe else named
