"""Arguments of components are checked before anything is built."""

import pytest

from snnx.run.signature import check_signature


@pytest.mark.parametrize(
    ("group", "target", "message"),
    [
        (
            "norm",
            "torch.nn.BatchNorm2d",
            "^norm: BatchNorm2d must take v_threshold and meets_sum, with which the norm is built; it takes ",
        ),
        (
            "backbone",
            "torch.nn.Linear",
            "^backbone: Linear must take neuron and in_shape and classes and width, with which the ",
        ),
    ],
)
def test_a_component_takes_what_is_added_when_it_is_built(group, target, message):
    with pytest.raises(ValueError, match=message):
        check_signature(group, {"_target_": target, "_partial_": True})
