"""Finds which runs of a sweep are compared, and which settings may differ between them."""

from collections.abc import Mapping, Sequence

from snnx.options.differences import Confound, confounds
from snnx.record.job import Job
from snnx.record.result_file import read


def compared(jobs: Sequence[Job]) -> tuple[list[str], dict[str, Job]]:
    """Return the keys in which rows of an ablation may differ, and the first run of each row; both empty without a factor.

    Keys that a search chooses may differ too. Trials of a search are not compared, because they are shorter than the runs of
    their winner.
    """
    factor = (jobs[0].config["sweep"] or {}).get("factor") if jobs else None
    if factor is None:
        return [], {}
    first: dict[str, Job] = {}
    for job in jobs:
        if not job.config.get("search"):
            first.setdefault(job.row, job)
    searched = [key for job in first.values() for key in (job.config.get("tuned") or {"values": ()})["values"]]
    return list(dict.fromkeys([*([factor] if isinstance(factor, str) else factor), *searched])), first


def warnings(jobs: Sequence[Job], networks: Mapping[str, Mapping]) -> list[Confound]:
    """List what the rows of an ablation differ in although its factor does not explain it.

    Args:
        jobs: all runs of the sweep.
        networks: by `Job.group`, the networks of the runs that are still to do, see `check_all`; the network of a finished run
            is read from its result.
    """
    factors, rows = compared(jobs)
    rows = {row: job for row, job in rows.items() if job.seed == jobs[0].seed}
    built = {row: networks.get(job.group) or (read(job.folder) or {}).get("built") for row, job in rows.items()}
    return confounds(factors, {row: job.config for row, job in rows.items()}, built) if rows else []
