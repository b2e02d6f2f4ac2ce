"""The command `snnx audit`: checks whether the numbers of a finished run can be trusted."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.print_text import print_text
from snnx.command.refusal import REFUSED, refusal
from snnx.options.files import files
from snnx.options.nearest import nearest
from snnx.options.sweepfile import sweep_named
from snnx.record import audit_file
from snnx.report.data.lines import NO_OVERRIDE
from snnx.report.data.other_code import code_remarks
from snnx.report.data.run import Run
from snnx.report.data.runs import collect


def main(words: list[str]) -> int:
    """Audit a run or all finished runs of a sweep, and print what was found.

    Args:
        words: the command line after `snnx audit`.

    Returns:
        The exit code: 0 if no check failed, 1 if one failed or the data set is not on this machine, 2 for a mistake in the
        command line or a run that cannot be opened. The other runs of a sweep are audited all the same.
    """
    arguments = _parser().parse_intermixed_args(words)

    try:
        if arguments.name == "single" or arguments.name in files("sweep"):
            return _sweep(arguments.name, arguments)
        else:
            if not Path(arguments.name).expanduser().exists():
                hint = nearest(arguments.name, ["single", *files("sweep")])
                raise ValueError(
                    f"NAME|PATH must be a sweep, single, or a run's folder, .ckpt file or .safetensors file of snnx export; "
                    f"got {arguments.name}{hint}"
                )
            failed = _one(arguments.name, Path(arguments.name), arguments.words)
    except REFUSED as error:
        return refusal("audit", error)
    return int(failed)


def _parser() -> Parser:
    parser = Parser(
        prog="snnx audit",
        usage="snnx audit NAME|PATH [KEY=VALUE ...] [--again] [--outputs DIR]",
        description="Check whether the numbers of a finished run can be trusted: whether predictions depend on the sample "
        "alone, whether training and test have samples in common, whether spikes are 0 or 1, and more. NAME is a sweep, whose "
        "finished runs on this machine are audited, or single. PATH is a run's folder, a .ckpt file, or a .safetensors file of "
        "snnx export. The findings are written to the run's folder and shown in reports. KEY=VALUE changes a value of the "
        "run's configuration, such as trainer.accelerator=cpu.",
        epilog="example: snnx audit outputs/single/seed=0",
    )
    parser.add_argument(
        "name", metavar="NAME|PATH", help="a sweep, as in sweep=NAME, or single; or a run's folder, .ckpt or .safetensors file"
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--again", action="store_true", help="also audit the runs of a sweep whose result was audited before")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    return parser


def _sweep(name: str, arguments: argparse.Namespace) -> int:
    """Audit the finished runs of a sweep, print their findings, and return the exit code; see `main`.

    Raises:
        ValueError: no run of the sweep has finished on this machine.
    """
    sweep = sweep_named(name)
    runs = collect(sweep.name, arguments.outputs, Path())
    done = {run.hash: run for run in runs if run.state == "done"}
    if not done:
        raise ValueError(f"NAME must be a sweep with a finished run in {arguments.outputs}; got {name}, which has none")
    failed, left = [], {}
    for run in done.values():
        try:
            if _known(run) if "audit" in run.result and not arguments.again else _audited(run, arguments):
                failed.append(_title(run))
        except Exception as error:  # a run's own code may raise any; the other runs are audited all the same
            told = error if isinstance(error, REFUSED) else ValueError(f"{type(error).__name__}: {error}")
            left[_title(run)] = refusal(f"audit: {_title(run)}", told)
    for remark in code_remarks(sweep, list(done.values())):
        print_text(f"↻ {remark}")
    if len(done) > 1:
        print_text(_summary(len(done), failed, list(left)))
    return max(int(bool(failed)), *left.values(), 0)


def _summary(count: int, failed: Sequence[str], left: Sequence[str]) -> str:
    """Return the last line below the findings of several runs.

    Example:
        >>> _summary(3, [], []), _summary(3, ["LIF, seed 0, small"], [])
        ('3 of 3 runs failed no check', '2 of 3 runs failed no check; a check failed in: LIF, seed 0, small')
        >>> _summary(3, [], ["LIF, seed 0, small"])
        '2 of 3 runs failed no check; not audited: LIF, seed 0, small'
    """
    which = f"; a check failed in: {'; '.join(failed)}" if failed else ""
    which += f"; not audited: {'; '.join(left)}" if left else ""
    return f"{count - len(failed) - len(left)} of {count} runs failed no check{which}"


def _known(run: Run) -> bool:
    findings = run.result["audit"]["findings"]
    print_text(table(f"{_title(run)}, audited before", findings))
    return bool(audit_file.failed_checks(run.result))


def _audited(run: Run, arguments: argparse.Namespace) -> bool:
    return _one(_title(run), arguments.outputs / "runs" / run.hash, arguments.words)


def _title(run: Run) -> str:
    return replace(run, row=run.row or NO_OVERRIDE).title


def _one(title: str, path: Path, words: list[str]) -> bool:
    from snnx.audit.audit import audit

    found = audit(path, words)
    epoch = "" if found.epoch is None else f", epoch {found.epoch}"
    print_text(table(f"{title}{epoch}", found.as_json()["findings"]))
    if found.outdated:
        print_text(f"  ↻ the run is out of date: {found.outdated}")
    if found.of_result:
        audit_file.save(found.folder, found.as_json())
    return found.failed


def table(title: str, findings: Iterable[dict]) -> str:
    """Format the findings of a run, one a line.

    Example:
        >>> text = "all 96 outputs of 1 spiking layer are 0 or 1"
        >>> print(table("LIF, seed 0, small", [{"check": "spikes", "outcome": "passed", "text": text}]))
        LIF, seed 0, small
          passed          spikes    all 96 outputs of 1 spiking layer are 0 or 1
    """
    return "\n".join([title, *(f"  {one['outcome']:<14}  {one['check']:<8}  {one['text']}" for one in findings)])
