"""Ctrl-C before any run has started."""

import subprocess
import sys

from hydra.errors import ConfigCompositionException
from omegaconf.errors import ConfigKeyError

from snnx.compose.complaint import complaint
from snnx.compose.interrupt import NOTE

INTERRUPTED_WHILE_COMPOSING = """
import signal, sys
from omegaconf import OmegaConf
from snnx.command.main import main

def interrupt():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:  # as in OmegaConf, where such an error replaces the interrupt
        raise AttributeError("'NoneType' object has no attribute '_invalidate_flags_cache'")

OmegaConf.register_new_resolver("interrupt", interrupt)
sys.argv = ["snnx", "neuron.tau=${interrupt:}"]
sys.exit(main())
"""


def test_it_ends_the_program_at_once(empty):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_WHILE_COMPOSING], capture_output=True, text=True)
    assert done.stderr == f"{NOTE}\n"
    assert done.returncode == 130
    assert not list(empty.glob("outputs/runs/*"))


def test_an_error_without_words_is_told_by_its_cause():
    error = ConfigCompositionException()
    error.__cause__ = ConfigKeyError("Missing key tau")
    assert complaint(error, []) == "Missing key tau"
