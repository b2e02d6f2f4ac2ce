"""A network that does not spike in the test is named: in the log, in the result, and in the line with which the run ends."""

import pytest
from finished import finished

from snnx.record.summary import SILENT, summary


def test_a_network_that_never_fires_is_named_once(tmp_path, capsys):
    _, result = finished(tmp_path, "neuron.v_threshold=1000")
    assert result["warnings"][-1] == SILENT
    assert capsys.readouterr().out.count(f"snnx: warning: {SILENT}\n") == 1
    assert f" samples, no better than chance after 6 training steps, {SILENT}  " in summary(result)


def test_an_untrained_network_that_does_not_fire_is_named(tmp_path):
    assert finished(tmp_path, "neuron.v_threshold=1000", "trainer.max_epochs=0")[1]["warnings"] == [SILENT]


@pytest.mark.parametrize(
    "words",
    [
        ["neuron.v_threshold=0.1"],
        ["neuron=relu", "timesteps=1", "metric=[]"],
        ["method=conversion", "timesteps=8", "metric=[]"],  # a ReLU network that spikes in the test
    ],
)
def test_a_network_that_fires_or_has_no_spiking_neurons_gives_no_warning(tmp_path, words):
    _, result = finished(tmp_path, *words)
    assert result["warnings"] == []
    assert SILENT not in summary(result)
