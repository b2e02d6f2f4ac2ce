"""Whether the files in a run's folder were computed with the present code and the present samples."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from snnx.dataset.content import stamp
from snnx.dataset.published import NoData
from snnx.options.places import component_folders
from snnx.record import result_file, source
from snnx.record.changed_code import changed, changed_code, changed_files, more_files
from snnx.record.inputs import NAME, inputs
from snnx.record.job import Job
from snnx.record.result_file import to_json
from snnx.record.write import write


def code_of(config: dict) -> dict[str, str]:
    """Return the digests of the modules that a run uses: those of snnx and those of the user's own packages."""
    return source.sources(config, _packages())


def _packages() -> dict[str, Path]:
    return source.SNNX | component_folders()


def require_same_code(job: Job) -> None:
    """Reject a run of a sweep if one of its files was edited since the sweep began, so that a sweep computes with one code.

    Raises:
        ValueError: a file has changed.
    """
    now = source.sources(job.config, _packages(), from_disk=True)
    if job.code and (files := changed_files(job.code, now, _packages())):
        raise ValueError(
            f"{files[0]}{more_files(len(files) - 1)} must not change during a sweep, as all its runs must use the same "
            f"code; start the sweep again: {job.command}"
        )


def write_inputs(folder: Path, code: dict[str, str], data: dict) -> None:
    """Write down what a run is computed from: the digests of its modules and of its data set's files.

    Args:
        folder: the run's folder.
        code: see `code_of`.
        data: what the data set's `content` returned.
    """
    write(folder / NAME, to_json({"code": code, "data": data}))


def _root(config: dict) -> Path:
    return Path(config["dataset"].get("root") or ".").expanduser().absolute()


def _name(config: dict) -> str:
    return config["dataset"]["_target_"].split(".")[-2]


def changed_since(folder: Path, config: dict, samples: dict) -> str | None:
    """Say what has changed since the results and checkpoints in a run's folder were computed: its code, or its samples.

    Args:
        folder: the run's folder.
        config: the run's configuration.
        samples: what `content` of the data set returns now; empty if they cannot be compared.

    Returns:
        For example `snnx/neuron/lif.py changed, and 2 more files`, or two digests if the folder has no `inputs.json`; `None` if
        nothing has changed, or if nothing is known of it. A damaged `inputs.json` is named, as `outdated` does.
    """
    try:
        made = inputs(folder)
    except ValueError as error:
        return str(error)
    try:
        now = code_of(config)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if made is None:
        ended = result_file.read(folder) or {}
        code, data = _other_code(ended.get("code"), now), ended.get("data") or {}
    else:
        code, data = changed_code(made["code"], now, _packages()), made["data"]
    if code or None in (data.get("content"), samples.get("content")) or data["content"] == samples["content"]:
        return code
    return _changed_samples(config, data, samples)


def _other_code(before: str | None, now: dict[str, str]) -> str | None:
    """Compare the digest of all code in a result with that of the present code, where no `inputs.json` has them by file."""
    digest = source.digest(now)
    if before in (None, digest):
        return None
    return f"its code changed (digest {before} before, {digest} now; without {NAME}, the files are not known)"


def outdated(job: Job) -> str | None:
    """Say why the result or the checkpoints of this run are no longer valid; `None` if they are valid or if there are none.

    Files are compared by content. The samples are read again only if the size or modification time of a file has changed. If
    the data set is not on this machine, its samples cannot be compared and count as unchanged. Unreadable files count as
    changed; the run that is then executed says what is wrong with them.

    If the run's folder has no `inputs.json`, its result is compared, which has one digest of all code and one of all samples.
    If nothing has changed, `inputs.json` is written again.
    """
    try:
        made = inputs(job.folder)
    except ValueError as error:
        return str(error)
    if made is None:
        return _outdated_by_result(job)
    if code := changed_code(made["code"], code_of(job.config), _packages()):
        return code
    if _stamp(_root(job.config), tuple(made["data"]["folders"])) == made["data"].get("stamp"):
        return None
    return _samples_changed(job, made["code"], made["data"])


def _outdated_by_result(job: Job) -> str | None:
    ended = result_file.read(job.folder)
    if ended is None or not ended.get("code"):
        return None
    code = code_of(job.config)
    data = ended.get("data") or {}
    return _other_code(ended["code"], code) or (_samples_changed(job, code, data) if data.get("content") else None)


def _samples_changed(job: Job, code: dict[str, str], before: dict) -> str | None:
    """Read the samples, and say which of their files have changed; `before` is what is known of them from the run."""
    from snnx.run.build import build_data  # imports torch, so only when the files must be read

    try:
        now = build_data(job.config).content()
    except NoData:
        return None
    except (OSError, ValueError) as error:
        return f"the files of dataset {_name(job.config)} cannot be read ({' '.join(str(error).split())})"
    if now["content"] != before.get("content"):
        return _changed_samples(job.config, before, now)
    with suppress(OSError):  # the same files, for example another copy: store their stamp, so that they are not read again
        write_inputs(job.folder, code, now)
    return None


def _changed_samples(config: dict, before: dict, now: dict) -> str:
    root, shown = _root(config), Path(config["dataset"].get("root") or ".")
    had, has = before.get("files"), now.get("files")
    files = (
        sorted(one for one in {**had, **has} if had.get(one) != has.get(one)) if isinstance(had, dict) and had and has else []
    )
    if files:
        return changed([str(shown / one) for one in files])
    where = os.path.commonpath([root / one for one in now["folders"]] or [root])
    return (
        f"the files of dataset {_name(config)} in {where} changed (digest {before.get('content')} before, {now['content']} now)"
    )


@cache
def _stamp(root: Path, folders: tuple[str, ...]) -> str:
    """Return the files' stamp, which is computed only once for all runs of a sweep."""
    return stamp(root, folders)
