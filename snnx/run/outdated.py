"""Whether the files in a run's folder were computed with the present code and the present samples."""

import json
from functools import cache
from pathlib import Path

from snnx.dataset.content import stamp
from snnx.dataset.published import NoData
from snnx.options.places import component_folders
from snnx.record import source
from snnx.record.job import Job
from snnx.record.read import read
from snnx.record.result_file import to_json
from snnx.record.write import write

NAME = "inputs.json"  # the file in a run's folder with the digests of its code and samples


def code_of(config: dict) -> dict[str, str]:
    """Return the digests of the modules that a run uses: those of snnx and those of the user's own packages."""
    return source.sources(config, source.SNNX | component_folders())


def require_same_code(job: Job) -> None:
    """Reject a run of a sweep if one of its files was edited since the sweep began, so that a sweep computes with one code.

    Raises:
        ValueError: a file has changed.
    """
    now = source.sources(job.config, source.SNNX | component_folders(), from_disk=True)
    if job.code and (files := source.changed_files(job.code, now)):
        more = f", and {len(files) - 1} more" if len(files) > 1 else ""
        raise ValueError(
            f"{files[0]}{more} must not change during a sweep, as all its runs must use the same code; start the sweep again"
        )


def write_inputs(folder: Path, code: dict[str, str], data: dict) -> None:
    """Write down what a run is computed from: the digests of its modules and of its data set's files."""
    write(folder / NAME, to_json({"code": code, "data": data}))


def code_changed(folder: Path, config: dict) -> str | None:
    """Say which files of code have changed since the results and checkpoints in a run's folder were computed.

    Args:
        folder: the run's folder.
        config: the run's configuration.

    Returns:
        For example `snnx/neuron/lif.py changed, and 2 more`; `None` if nothing has changed, or if nothing is known of the code.
    """
    try:
        made = json.loads(read(folder / NAME))["code"]
        files = source.changed_files(dict(made), code_of(config))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return _named(files) if files else None


def _named(files: list[str]) -> str:
    return f"{files[0]} changed" + (f", and {len(files) - 1} more" if len(files) > 1 else "")


def outdated(job: Job) -> str | None:
    """Say why the result or the checkpoints of this run are no longer valid; `None` if they are valid or if there are none.

    Files are compared by content. The samples are read again only if the size or modification time of a file has changed. If
    the data set is not on this machine, its samples cannot be compared and count as unchanged. Unreadable files count as
    changed; the run that is then executed says what is wrong with them.
    """
    try:
        made = json.loads(read(job.folder / NAME))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return f"{NAME} is damaged"
    if not (isinstance(made, dict) and all(isinstance(made.get(key), dict) for key in ("code", "data"))):
        return f"{NAME} is damaged"
    if files := source.changed_files(made["code"], code_of(job.config)):
        return _named(files)
    if _samples_changed(job, made):
        return f"the files of dataset {job.config['dataset']['_target_'].split('.')[-2]} changed"
    return None


def _samples_changed(job: Job, made: dict) -> bool:
    root = Path(job.config["dataset"].get("root") or ".").expanduser().absolute()
    folders = made["data"].get("folders")
    if not isinstance(folders, list) or not all(isinstance(one, str) and "\0" not in one for one in folders):
        return True
    if _stamp(root, tuple(folders)) == made["data"].get("stamp"):
        return False
    from snnx.run.build import build_data  # imports torch, so only when the files must be read

    try:
        now = build_data(job.config).content()
    except NoData:
        return False
    except (OSError, ValueError):
        return True
    if now["content"] != made["data"].get("content"):
        return True
    write_inputs(job.folder, made["code"], now)  # a copy of the same files: store its stamp, so that it is not read again
    return False


@cache
def _stamp(root: Path, folders: tuple[str, ...]) -> str:
    """Return the files' stamp, which is computed only once for all runs of a sweep."""
    return stamp(root, folders)
