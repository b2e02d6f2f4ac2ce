"""Whether what lies in a run's folder was computed by the code and from the samples that are here now."""

import json
from functools import cache
from pathlib import Path

from snnx.dataset.content import stamp
from snnx.dataset.published import NoData
from snnx.options.places import component_folders
from snnx.record import source
from snnx.record.job import Job
from snnx.record.result_file import to_json
from snnx.record.write import write

NAME = "inputs.json"


def code_of(config: dict) -> dict[str, str]:
    """The digests of the modules that a run goes through: those of snnx, and those of the user's own packages."""
    return source.sources(config, source.SNNX | component_folders())


def note(folder: Path, code: dict[str, str], data: dict) -> None:
    """Write what a run is computed from: the digests of its modules, and those of its data set's files."""
    write(folder / NAME, to_json({"code": code, "data": data}))


def outdated(job: Job) -> str | None:
    """Why the result or the checkpoints of this run do not stand any more, in words; `None` if they do, or if there are none.

    Files are compared by what they hold. The samples are read again only where a file's size or time of change differs; where
    the data set is not here, nothing can be compared, and what there is stands.
    """
    try:
        made = json.loads((job.folder / NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if files := source.changed(made["code"], code_of(job.config)):
        return f"{files[0]} changed" + (f", and {len(files) - 1} more" if len(files) > 1 else "")
    if _samples_changed(job, made):
        return f"the files of dataset {job.config['dataset']['_target_'].split('.')[-2]} hold something else"
    return None


def _samples_changed(job: Job, made: dict) -> bool:
    root = Path(job.config["dataset"].get("root") or ".").expanduser().absolute()
    if _stamp(root, tuple(made["data"]["folders"])) == made["data"]["stamp"]:
        return False
    from snnx.run.build import build_data  # loads torch: only where the files must be looked into

    try:
        now = build_data(job.config).content()
    except (NoData, OSError, ValueError):
        return False
    if now["content"] != made["data"]["content"]:
        return True
    note(job.folder, made["code"], now)  # another copy of the same: next time its stamp says so
    return False


@cache
def _stamp(root: Path, folders: tuple[str, ...]) -> str:
    """One look at the files for all runs of a sweep."""
    return stamp(root, folders)
