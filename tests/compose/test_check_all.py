"""The check of a sweep's runs in a process of its own: what it says if it dies, and if nobody listens any more."""

import multiprocessing

import pytest
from composing import composed
from own_folder import own_folder, write

from snnx.compose.check_all import _check_each, check_all


@pytest.mark.slow
def test_a_check_that_dies_is_told(empty, monkeypatch):
    own_folder(empty)
    write(empty, "ownlab/mine.py", "import os\n\nfrom snnx.neuron.lif import LIF\n\n\nclass Mine(LIF):\n    pass\n")
    monkeypatch.syspath_prepend(empty)
    job = composed("neuron=mine")
    write(empty, "ownlab/mine.py", "import os\n\nos._exit(3)\n")
    with pytest.raises(ValueError, match="the process that checks the runs must finish; it ended with exit code 3"):
        check_all([job])


def test_a_check_ends_quietly_if_the_sweep_was_interrupted():
    receiver, sender = multiprocessing.Pipe(duplex=False)
    receiver.close()
    _check_each([], sender)
