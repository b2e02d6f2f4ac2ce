"""The program `snnx`: the first word names a command; if it does not, all words are settings of a run or a sweep."""

import os
import sys
import warnings
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path

from snnx.command.print_text import print_text
from snnx.command.refusal import complain
from snnx.compose.interrupt import INTERRUPTED, NOTE, exit_on_interrupt
from snnx.options.files import check_places
from snnx.options.own_components import make_importable
from snnx.options.settings_of_libraries import reject_settings_of_libraries
from snnx.record.visible import visible
from snnx.sweep.output import Output, open_closed_streams

COMMANDS = {  # for each command, the module whose main(words) executes it
    "plan": "snnx.command.plan",
    "report": "snnx.command.report",
    "status": "snnx.command.status",
    "dashboard": "snnx.command.dashboard",
    "sync": "snnx.command.sync",
    "prepare": "snnx.command.prepare",
    "bench": "snnx.command.bench",
    "show": "snnx.command.show",
    "evaluate": "snnx.command.evaluate",
    "audit": "snnx.command.audit",
    "export": "snnx.command.export",
    "wandb-sweep": "snnx.command.wandb_sweep",
    "results": "snnx.command.results",
    "replay": "snnx.command.replay",
    "new": "snnx.command.new",
}
OK, FAILED, USAGE = 0, 1, 2
FORMAT = warnings.formatwarning


def main() -> int:
    """Entry point of the console script.

    Returns:
        The exit code: 0 if all is well, 1 if a run failed, 2 for a mistake in the words or in a file, 130 if interrupted.
    """
    words = sys.argv[1:]
    # Python puts the current folder first on the path of processes that it starts by -c or -m, as that of the fork server and
    # those of joblib and Slurm. A received folder may have a `multiprocessing.py`.
    os.environ["PYTHONSAFEPATH"] = "1"
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a test may have replaced it
            stream.reconfigure(errors="replace")  # a terminal may have no check mark
    sys.stdout, sys.stderr = Output(sys.stdout), Output(sys.stderr)
    warnings.formatwarning = _written
    try:
        if words[:1] != ["new"]:  # `new` reads no options of the current folder
            reject_settings_of_libraries(Path.cwd())
            make_importable(Path.cwd())
            check_places()
    except ValueError as error:
        complain(f"snnx: {error}")
        return USAGE
    try:
        if words and words[0] in COMMANDS:
            return _command(words[0], words[1:])
        if words == ["--version"]:
            print(f"snnx {version('snnx')}")
            return OK
        if {"-h", "--help"} & set(words):
            from snnx.command.help import overview

            print_text(overview())
            return OK
        from snnx.command.hydra_app import chosen_sweep, multirun, narrowed, start

        code = start(words, commands=COMMANDS)
        if code in (OK, FAILED) and multirun(words):
            if name := chosen_sweep(words):
                _command("report", [name, *narrowed(words)])
            else:
                print("to compare all runs in this folder that belong to no sweep file, run: snnx report single")
        return code
    except KeyboardInterrupt:
        print(NOTE, file=sys.stderr)
        return INTERRUPTED


def _written(*warned: object) -> str:
    """Return the text of a warning; a library may quote a received file in it, whose control characters are escaped."""
    return visible(FORMAT(*warned))


def _command(name: str, words: list[str]) -> int:
    with exit_on_interrupt():
        module = import_module(COMMANDS[name])
    return module.main(words)
