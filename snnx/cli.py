"""The command `snnx`: a Hydra application, and a few words that need no Hydra."""

import os
import shlex
import sys
from importlib import import_module

from snnx.interrupt import INTERRUPTED, NOTE, at_once

COMMANDS = {  # the first word, and the module whose main(words) answers it
    "report": "snnx.report.command",
    "status": "snnx.report.status",
    "dashboard": "snnx.dashboard.command",
    "sync": "snnx.wandb_sync",
    "prepare": "snnx.prepare",
    "bench": "snnx.bench.command",
    "show": "snnx.show.command",
    "evaluate": "snnx.evaluate.command",
    "export": "snnx.export.command",
    "wandb-sweep": "snnx.wandb_sweep",
    "results": "snnx.report.index",
}
HYDRAS = (
    "-m", "--multirun", "-c", "--cfg", "-p", "--package", "-r", "--resolve", "-i", "--info", "-cd", "--config-dir",
    "-sc", "--shell-completion", "--hydra-help",
)  # fmt: skip
OK, FAILED, USAGE = 0, 1, 2


def main() -> int:
    """Entry point of the console script: 0 all well, 1 a run failed, 2 a mistake in the command or a file, 130 interrupted."""
    words = sys.argv[1:]
    try:
        if words and words[0] in COMMANDS:
            return _command(words[0], words[1:])
        if words and words[0] == "plan":
            return _plan(words[1:])
        if {"-h", "--help"} & set(words):
            from snnx.overview import overview

            print(overview())
            return OK
        code = _hydra(words)
        if code in (OK, FAILED) and multirun(words):
            if name := chosen_sweep(words):
                _command("report", [name, *narrowed(words)])
            else:
                print("snnx report single compares all runs of this folder that belong to no sweep")
        return code
    except KeyboardInterrupt:
        print(NOTE, file=sys.stderr)
        return INTERRUPTED


def _command(name: str, words: list[str]) -> int:
    with at_once():
        module = import_module(COMMANDS[name])
    return module.main(words)


def _hydra(words: list[str]) -> int:
    if unknown := [word for word in words if word.startswith("-") and word.split("=")[0] not in HYDRAS]:
        return _usage(f"an option must be one of {', '.join(HYDRAS)}; got {unknown[0]}: keys are set with key=value")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that the one line below is ours
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic sums on CUDA need
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch then asks for large pages: fewer faults
    with at_once():
        import hydra

        from snnx.complaint import COMPLAINTS, complaint
        from snnx.config import config_dir, register
        from snnx.outcome import SweepFailed
        from snnx.secret import refuse

    try:
        refuse(("the command line", word) for word in words)  # before Hydra writes it to a file
        register(words, completing=shlex.split(os.environ.get("COMP_LINE", "")))
        hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="config")(_task)()
    except SweepFailed as error:
        print(f"snnx: {error}", file=sys.stderr)
        code = FAILED
    except COMPLAINTS as error:
        return _usage(complaint(error, words))
    else:
        code = OK
    return code


def _plan(words: list[str]) -> int:
    from snnx.plan import command

    if {"-h", "--help"} & set(words):
        print(command.USAGE)
        return OK
    if any(word.startswith("hydra/sweeper=") for word in words):
        return _usage(
            "snnx plan must be asked of a sweep or a grid; got a search, whose runs depend on results: plan one of them"
        )
    sys.argv[1:] = planned = command.line(words)  # which is what Hydra reads
    return _hydra(planned)


def _task(config) -> None:
    """One run: what Hydra calls in single-run mode, and what launchers other than our own call for each job."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from snnx.check import check
    from snnx.complaint import COMPLAINTS, complaint
    from snnx.config import job
    from snnx.display import Display
    from snnx.ledger import Busy, finished, renew
    from snnx.outcome import SweepFailed, judge, summary

    hydra = HydraConfig.get()
    words = sys.argv[1:]
    try:
        one = job(
            config,
            overrides=list(hydra.overrides.task),
            choices=dict(hydra.runtime.choices),
            command=shlex.join(["snnx", *words]),
        )
    except COMPLAINTS as error:  # here, or Hydra says it too
        raise SystemExit(_usage(complaint(error, words))) from None
    if hydra.mode == RunMode.RUN and one.sweep and not one.config["label"]:
        raise SystemExit(_usage(f"sweep={one.sweep} must run with -m, since it has rows; got a single run: add -m or row="))
    try:
        check(one)
    except ValueError as error:
        raise SystemExit(_usage(str(error))) from None
    with at_once():
        from snnx.run import execute

    before = finished(one) is not None
    one = renew(one)
    try:
        with Display([one]) as display:
            with display.watch(one):
                outcome = execute(one) | {"before": before}
            display.end(one, outcome)
    except Busy as error:
        print(f"snnx: {error}; wait for it", file=sys.stderr)
        raise SystemExit(FAILED) from None
    again = "; force=true repeats it" if before else ""
    display.console.print(f"  everything about it is in {one.link}/{again}", highlight=False, markup=False, soft_wrap=True)
    if judge([outcome]):
        if hydra.mode == RunMode.MULTIRUN:  # a launcher of Hydra's own: the other runs go on
            raise SweepFailed(f"{one.title}: {summary(outcome)}")
        raise SystemExit(FAILED)


def _usage(message: str) -> int:
    print(f"snnx: {message}", file=sys.stderr)
    return USAGE


def multirun(words: list[str]) -> bool:
    """Whether the command line asks for a sweep."""
    return bool({"-m", "--multirun"} & set(words))


def narrowed(words: list[str]) -> list[str]:
    """What a command line asks for of a sweep, in the words of `snnx report`.

    Example:
        >>> narrowed(["-m", "sweep=demo_neurons", "row=IF,LIF", "scale=smoke", "seed=0"])
        ['--row', 'IF,LIF', '--scale', 'smoke']
    """
    keys = ("row", "scale")
    return [part for word in words for key in keys if word.startswith(f"{key}=") for part in (f"--{key}", word[len(key) + 1 :])]


def chosen_sweep(words: list[str]) -> str | None:
    """The sweep that the command line names."""
    return next((word.removeprefix("sweep=") for word in words if word.startswith("sweep=")), None)


if __name__ == "__main__":
    sys.exit(main())
