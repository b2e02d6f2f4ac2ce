"""The Hydra application, which executes one run or a sweep from `key=value` words."""

import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from snnx.command.refusal import complain
from snnx.compose.interrupt import exit_on_interrupt, interruptible

HYDRA_OPTIONS = (
    "-m", "--multirun", "-c", "--cfg", "-p", "--package", "-r", "--resolve", "-i", "--info", "-cd", "--config-dir",
    "-sc", "--shell-completion", "--hydra-help",
)  # fmt: skip
OK, FAILED, USAGE = 0, 1, 2
OUTPUTS = Path("outputs")
SWEEPS = OUTPUTS / ".sweep"
"""Where Hydra writes `multirun.yaml`, see conf/config.yaml."""


def start(words: list[str], commands: Iterable[str] = ()) -> int:
    """Let Hydra compose the run or sweep that `sys.argv` describes, and execute it.

    Args:
        words: the command line after `snnx`.
        commands: the names of snnx's commands, to suggest one if it was misspelled.

    Returns:
        The exit code: 0 if all is well, 1 if a run failed, 2 for a mistake in the words or in a file.
    """
    if unknown := [word for word in words if word.startswith("-") and word.split("=")[0] not in HYDRA_OPTIONS]:
        return _usage(f"an option must be one of {', '.join(HYDRA_OPTIONS)}; got {unknown[0]}: set keys with key=value")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise errors, so that we can print our own line
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required for deterministic results on CUDA
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch then allocates huge pages, which means fewer page faults
    with exit_on_interrupt():
        import hydra

        from snnx.compose.complaint import COMPLAINTS, complaint
        from snnx.compose.secret import reject_secrets_in
        from snnx.compose.sweep_options import register
        from snnx.compose.words import completed
        from snnx.options.folders import shipped
        from snnx.record.run_folder import reject_links
        from snnx.record.storage import obstacle
        from snnx.sweep.exit_code import SweepFailed

    try:
        reject_secrets_in(("the command line", word) for word in words)  # before Hydra writes them to files
        reject_links(SWEEPS)  # Hydra writes there
        words, added = completed(words), sys.argv[1 + len(words) :]
        sys.argv[1:] = [*words, *added]  # Hydra reads them there
        register(words, completing=shlex.split(os.environ.get("COMP_LINE", "")))
        with exit_on_interrupt():  # code that must save its work uses `interruptible`
            hydra.main(version_base="1.3", config_path=str(shipped("conf")), config_name="config")(_task)()
    except SweepFailed as error:
        complain(f"snnx: {error}")
        return FAILED
    except OSError as error:  # Hydra creates outputs/ itself, before snnx checks that it can
        return _usage(complaint(error, words, commands) if error.errno is None else obstacle(OUTPUTS) or str(error))
    except COMPLAINTS as error:
        return _usage(complaint(error, words, commands))
    return OK


def _task(config) -> None:
    """Execute one run; Hydra calls this for a single run, and launchers other than snnx's own call it for each job."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from snnx.compose.check import check
    from snnx.compose.complaint import COMPLAINTS, complaint
    from snnx.compose.compose import job
    from snnx.options.left_over import left_over
    from snnx.record.run_folder import Busy
    from snnx.record.storage import check_storage, obstacle
    from snnx.record.summary import summary
    from snnx.record.write import write
    from snnx.run.history import finished, start_over_if_forced
    from snnx.sweep.display import Display
    from snnx.sweep.exit_code import SweepFailed, judge

    hydra = HydraConfig.get()
    words = sys.argv[1:]
    try:
        given, chosen = list(hydra.overrides.task), dict(hydra.runtime.choices)
        run = job(
            config,
            overrides=given,
            choices=chosen,
            unused=left_over(chosen, given),
            command=shlex.join(["snnx", *words]),
        )
    except COMPLAINTS as error:  # handled here, because otherwise Hydra would print it as well
        raise SystemExit(_usage(complaint(error, words))) from None
    if hydra.mode == RunMode.RUN and run.sweep and not run.config["label"]:
        raise SystemExit(_usage(f"sweep={run.sweep} must run with -m, because it has rows; got a single run: add -m or row="))
    try:
        check(run)
        before = finished(run) is not None
        warnings = [] if before else check_storage(Path(run.outputs))
    except ValueError as error:
        raise SystemExit(_usage(str(error))) from None
    with exit_on_interrupt():
        from snnx.run.execute import assist, execute
        from snnx.run.machine_rank import machine_rank

    try:
        leads = machine_rank(run.config["trainer"]).rank == 0
    except ValueError as error:
        raise SystemExit(_usage(str(error))) from None
    if not leads and not before:
        with interruptible():
            assist(run)
        print(f"{run.title}: this machine has trained its part; the first machine tests the network and writes the result")
        return
    try:
        run = start_over_if_forced(run)
        with Display([run]) as display, interruptible():
            display.warn(warnings)
            with display.watch(run):
                outcome = execute(run) | {"before": before}
            display.end(run, outcome)
    except Busy as error:
        complain(f"snnx: {error}; wait until it has finished")
        raise SystemExit(FAILED) from None
    except OSError as error:
        complain(f"snnx: {run.title} could not be written: {obstacle(run.folder) or error}")
        raise SystemExit(FAILED) from None
    if outcome["status"] in ("failed", "diverged"):
        with suppress(OSError):  # the disk may be full; the run's error says so
            log = write(run.folder / "run.log", outcome["error"]["traceback"])
            print(f"  the traceback is in {log}", file=sys.stderr)
    again = "; force=true repeats it" if before else ""
    display.console.print(f"  all its files are in {run.link}/{again}", highlight=False, markup=False, soft_wrap=True)
    if judge([outcome]):
        if hydra.mode == RunMode.MULTIRUN:  # under one of Hydra's own launchers, which still executes the other runs
            raise SweepFailed(f"{run.title}: {summary(outcome)}")
        raise SystemExit(FAILED)


def _usage(message: str) -> int:
    complain(f"snnx: {message}")
    return USAGE


def multirun(words: list[str]) -> bool:
    """Whether the command line asks for a sweep."""
    return bool({"-m", "--multirun"} & set(words))


def narrowed(words: list[str]) -> list[str]:
    """Convert `row=` and `scale=` of a command line to the options of `snnx report`.

    Example:
        >>> narrowed(["-m", "sweep=demo_neurons", "row=IF,LIF", "scale=smoke", "seed=0"])
        ['--row', 'IF,LIF', '--scale', 'smoke']
    """
    keys = ("row", "scale")
    return [part for word in words for key in keys if word.startswith(f"{key}=") for part in (f"--{key}", word[len(key) + 1 :])]


def chosen_sweep(words: list[str]) -> str | None:
    """Return the sweep that the command line names, or `None`."""
    return next((word.removeprefix("sweep=") for word in words if word.startswith("sweep=")), None)
