"""The guides about the shipped parts can be followed in a fresh checkout."""

import shutil
from importlib.util import find_spec

import pytest
from following import ROOT, follow

GUIDES = ("first_sweep", "runs_and_records", "audit", "data_sets", "spiking_metrics", "convert", "first_spike")
TUNE = pytest.param("tune", marks=pytest.mark.skipif(find_spec("optuna") is None, reason="pip install 'snnx[optuna]'"))


@pytest.fixture
def checkout(tmp_path):
    for part in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("guide", [*GUIDES, TUNE])
def test_it_can_be_followed(guide, checkout):
    follow(guide, checkout, package=checkout)
