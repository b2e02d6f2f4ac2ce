"""Says by which command runs are computed again."""

import shlex
from collections.abc import Sequence

from snnx.options.received import check_keys
from snnx.options.sweepfile import SweepFile
from snnx.record.job import SINGLE
from snnx.report.data.lines import OVERRIDE
from snnx.report.data.run import Run


def again(sweep: SweepFile, runs: Sequence[Run]) -> str:
    """Tell the reader how to compute these runs of a sweep again.

    Args:
        sweep: the sweep file.
        runs: at least one run. If they have several scales or overrides, the command is that of the first run, for all seeds
            that have these. It names the seeds if one of them is not the sweep's.

    Example:
        >>> from dataclasses import replace
        >>> from snnx.options.sweepfile import sweep_named
        >>> words = {"overrides": ["timesteps=8", "metric=[energy,potential]", "--config-dir=evil"]}
        >>> run = Run("LIF", 0, "small, budget.width=0.5", "timesteps=8", "ab", "done", words, True)
        >>> again(sweep_named("demo_neurons"), [run])
        'run the sweep again: snnx -m sweep=demo_neurons scale=small budget.width=0.5 timesteps=8'
        >>> again(sweep_named("demo_neurons"), [replace(run, seed=7)])
        'run the sweep again: snnx -m sweep=demo_neurons scale=small seed=7 budget.width=0.5 timesteps=8'
        >>> again(sweep_named("single"), [run])
        "run it again: snnx timesteps=8 'metric=[energy,potential]'"
    """
    single = sweep.name == SINGLE
    others = len({_single(run) if single else (run.scale, run.further) for run in runs}) - 1
    what = "the sweep" if not single else "it" if len(runs) == 1 else "them"
    more = f", and {others} other command{'s' * (others > 1)}" if others else ""
    return f"run {what} again: {_single(runs[0]) if single else _command(sweep, runs)}{more}"


def _single(run: Run) -> str:
    return f"snnx {_quoted(run.result.get('overrides') or OVERRIDE.findall(run.row))}".strip()


def _command(sweep: SweepFile, runs: Sequence[Run]) -> str:
    first = runs[0]
    scale, *factors = first.scale.split(", ")
    seeds = sorted({run.seed for run in runs if (run.scale, run.further) == (first.scale, first.further)})
    own = sweep.seeds or (0,)  # 0 is the seed of a run that sets none
    named = [] if set(seeds) <= set(own) else [f"seed={','.join(map(str, seeds))}"]
    return " ".join([sweep.start(shlex.quote(scale)), *named, _quoted([*factors, *OVERRIDE.findall(first.further)])]).strip()


def _quoted(words: Sequence[str]) -> str:
    """Quote the overrides of a run for a shell, without those that only the command line may set, since they are received."""
    return shlex.join(word for word in words if _may_be_set(word.partition("=")[0]))


def _may_be_set(key: str) -> bool:
    try:
        check_keys([key], "an override")
    except ValueError:
        return False
    return True
