"""The command `snnx plan -m sweep=NAME`: reports what a sweep will cost, without executing it."""

import sys
import tempfile

from snnx.command.hydra_app import start

TUNE = "hydra/sweeper=snnx_tune"
"""The only search that can be planned, because a sweep file fixes its number of trials."""
USAGE = """\
usage: snnx plan -m sweep=NAME [OVERRIDES] [confounds=allow]

Composes and checks every run of a sweep, measures a few steps of each different network on this machine, and prints parameters,
FLOPs, SynOps, memory and the time that the sweep will take. If the sweep file names a factor, rows that differ in anything else
are an error; with confounds=allow, the differences are only listed. With hydra/sweeper=snnx_tune, it plans the searches of the
rows and the runs of their winners.

example: snnx plan -m sweep=dtst_fig10_neurons scale=small hydra.launcher.n_jobs=2"""


def main(words: list[str]) -> int:
    """Plan the sweep that `words` describe.

    Args:
        words: the command line after `snnx plan`.

    Returns:
        The exit code: 0 if all is well, 1 if rows cannot be compared, 2 for a mistake in the command line or in a file.
    """
    if {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    if any(word.startswith("hydra/sweeper=") and word != TUNE for word in words):
        print(
            "snnx: snnx plan needs a sweep or a grid; got a search, whose runs depend on earlier results: plan one of its runs",
            file=sys.stderr,
        )
        return 2
    planned = line(words)
    with tempfile.TemporaryDirectory(prefix="snnx-plan-") as folder:  # Hydra writes a file, but a plan needs no outputs
        sys.argv[1:] = [*planned, f"hydra.sweep.dir='{folder}'"]  # Hydra reads sys.argv
        return start(planned)


def line(words: list[str]) -> list[str]:
    """Return the words for Hydra: those of the sweep, with the launcher replaced by the one that measures.

    Example:
        >>> line(["-m", "sweep=demo_neurons", "confounds=allow", "hydra.launcher.n_jobs=2"])
        ['-m', 'sweep=demo_neurons', 'hydra.launcher.n_jobs=2', 'hydra/launcher=snnx_plan', 'hydra.launcher.confounds=allow']
    """
    kept = [word for word in words if not word.startswith(("confounds=", "hydra/launcher="))]
    chosen = [f"hydra.launcher.{word}" for word in words if word.startswith("confounds=")]
    multirun = [] if {"-m", "--multirun"} & set(kept) else ["-m"]
    return [*multirun, *kept, "hydra/launcher=snnx_plan", *chosen]
