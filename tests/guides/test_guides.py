"""The guides about the shipped parts can be followed in an empty folder, with the snnx that is installed from the wheel."""

from importlib.util import find_spec

import pytest
from following import follow

GUIDES = ("first_sweep", "runs_and_records", "audit", "data_sets", "spiking_metrics", "convert", "first_spike")
TUNE = pytest.param("tune", marks=pytest.mark.skipif(find_spec("optuna") is None, reason="pip install 'snnx[optuna]'"))


@pytest.mark.slow
@pytest.mark.parametrize("guide", [*GUIDES, TUNE])
def test_it_can_be_followed(guide, wheel, tmp_path):
    follow(guide, tmp_path, package=wheel)
