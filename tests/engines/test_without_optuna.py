"""What a search says if Optuna is not installed."""

from importlib.util import find_spec

import pytest

from hydra_plugins.snnx_study import require_optuna


@pytest.mark.skipif(find_spec("optuna") is not None, reason="Optuna is installed")
def test_it_is_named_with_its_extra():
    with pytest.raises(ValueError, match=r"hydra/sweeper=snnx_tune needs optuna, .*; run: pip install 'snnx\[optuna\]'"):
        require_optuna("snnx_tune")
