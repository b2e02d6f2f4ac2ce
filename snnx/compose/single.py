"""Composes one run from overrides, without starting the Hydra application."""

from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from snnx.compose.compose import job
from snnx.compose.sweep_options import register
from snnx.compose.words import override_word
from snnx.options.folders import shipped
from snnx.options.left_over import left_over
from snnx.record.job import Job


def composed(words: Sequence[str], command: str) -> Job:
    """Compose the run that `snnx WORDS` would execute, without checking or starting it.

    Args:
        words: overrides, written as on a command line.
        command: the command line that the job records as its origin.

    Raises:
        HydraException: a word is wrong; see `snnx.compose.complaint`.

    Example:
        >>> run = composed(["neuron=plif", "timesteps=8"], "snnx neuron=plif timesteps=8")
        >>> run.config["encoding"]["timesteps"], run.row
        (8, 'neuron=plif,timesteps=8')
    """
    GlobalHydra.instance().clear()
    words = [override_word(word) for word in words]
    register(words)
    with initialize_config_dir(str(shipped("conf")), version_base="1.3"):
        config = compose("config", overrides=list(words), return_hydra_config=True)
    chosen = dict(config.hydra.runtime.choices)
    return job(config, overrides=list(words), choices=chosen, unused=left_over(chosen, words), command=command)
