"""What is refused before it costs anything."""

import pytest
from composing import composed

from snnx.compose.check import check


@pytest.mark.parametrize(
    "word", ["encoding=rate", "neuron=lif", "neuron.tau=3.0", "surrogate=triangle", "decoding=spike_count"]
)
def test_a_stage_that_the_method_lacks(word):
    line = ["method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "dataset=mnist"]
    check(composed(*line))
    group = word.split("=")[0].split(".")[0]
    with pytest.raises(ValueError, match=f"{group} must not be set with TTFS, which has its own; got one: leave {group} out"):
        check(composed(*line, word))


def test_stages_of_direct_training_are_read():
    check(composed("encoding=rate", "neuron=plif", "surrogate=triangle", "decoding=spike_count"))
