"""The command `snnx sync NAME`: uploads the offline logs of a sweep to Weights & Biases."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.print_text import print_text
from snnx.command.refusal import REFUSED, complain
from snnx.logger import account
from snnx.options.sweepfile import find, read
from snnx.record.run_folder import reject_links
from snnx.report.data.run import Run
from snnx.report.data.runs import collect

LIMIT_S = 300  # time limit for the upload of one run, because `wandb sync` would wait for a server for hours
SYNCED = ".synced"  # after uploading run-X.wandb, `wandb sync` writes a file run-X.wandb.synced next to it


def main(words: list[str]) -> int:
    """Upload the runs one by one and print a line for each; the parts of a resumed run become a single W&B run.

    Args:
        words: the command line after `snnx sync`.

    Returns:
        The exit code: 0 if nothing is left to upload, 1 if something is, 2 for a name or a file that is wrong.
    """
    arguments = _parser().parse_args(words)
    try:
        name = read(find(arguments.name)).name
        runs = [run for run in collect(name, arguments.outputs, Path()) if run.state != "running"]
    except REFUSED as error:
        complain(f"snnx sync: {error}")
        return 2
    waiting = {run.hash: run for run in runs if unsent(arguments.outputs / "runs" / run.hash)}
    if not waiting:
        print(f"snnx sync: {name} has no offline logs to upload; run it with logger=wandb to log to W&B")
        return 0
    count = "1 run has" if len(waiting) == 1 else f"{len(waiting)} runs have"
    if obstacle := account.obstacle():
        complain(f"snnx sync: {count} to be uploaded, but {obstacle}")
        return 1
    failures = [_upload(run, arguments.outputs / "runs" / run.hash) for run in waiting.values()]
    return 1 if any(failures) else 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx sync",
        description="Upload the offline logs of a sweep to W&B; logs that were uploaded before are skipped.",
        epilog="example: snnx sync dtst_fig10_neurons",
    )
    parser.add_argument("name", metavar="NAME", help="name of a sweep, as in sweep=NAME")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    return parser


def unsent(folder: Path) -> list[Path]:
    """Return the offline logs of a run that have not been uploaded, ordered by their start time."""
    files = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))
    return [file for file in files if not file.with_name(file.name + SYNCED).exists()]


def _upload(run: Run, folder: Path) -> bool:
    """Upload one run and print how it went; return whether it failed.

    `wandb sync` exits with 0 even if the server rejects the upload, so success is judged by the `.synced` file. It is executed
    in an empty folder, because it would read settings of W&B, and Python modules, from the current one.
    """
    files = [str(file.absolute()) for file in unsent(folder)]
    try:
        _reject_links(folder)
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run(
                [sys.executable, "-m", "wandb", "sync", *files],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=LIMIT_S,
                check=False, cwd=elsewhere, env=os.environ | {"WANDB_BASE_URL": account.server()},
            )  # fmt: skip
        lines = [line.removeprefix("wandb:").strip() for line in done.stdout.splitlines() if line.strip()]
        cause = next((line for line in lines if "ERROR" in line), lines[-1] if lines else f"exit code {done.returncode}")
    except subprocess.TimeoutExpired:
        cause = f"not finished within {LIMIT_S} s"
    except ValueError as error:
        cause = str(error)
    failed = bool(unsent(folder))
    print_text(f"{run.row} seed={run.seed}: {f'not uploaded: {cause}' if failed else 'uploaded'}")
    return failed


def _reject_links(folder: Path) -> None:
    """Reject links in a run's folder and to its logs, because a log of another place would be uploaded.

    Raises:
        ValueError: there is one.
    """
    reject_links(folder)
    for path in (one for file in unsent(folder) for one in (file.parent, file)):
        if path.is_symlink():
            raise ValueError(
                f"{path} must be no link, because what it leads to would be uploaded; got a link to {path.readlink()}"
            )
