"""Which runs of a sweep are compared, and what may differ between them."""

from collections.abc import Sequence

from snnx.options.differences import unexplained
from snnx.record.job import Job


def compared(jobs: Sequence[Job]) -> tuple[list[str], dict[str, Job]]:
    """Return what the rows of an ablation may differ in, and the first run of each row; nothing if it is not an ablation.

    What a search chooses may differ too. Trials of a search are not compared, because they are shorter than the runs of their
    winner.
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


def warnings(jobs: Sequence[Job]) -> list[str]:
    """List the settings in which the rows of an ablation differ although its factor does not explain it.

    `snnx plan` compares the networks as well, and refuses such rows.
    """
    factors, rows = compared(jobs)
    same_seed = {row: job.config for row, job in rows.items() if job.seed == jobs[0].seed}
    return unexplained(factors, same_seed) if same_seed else []
