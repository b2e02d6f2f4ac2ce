"""Packed correctness comes back as it was, and damaged text is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.record.correctness import pack, unpack


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_it_comes_back(bits):
    assert unpack(pack(np.array(bits)), len(bits)).tolist() == bits


def test_ten_thousand_samples_take_less_than_two_kilobytes():
    assert len(pack(np.ones(10_000))) == 1668


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "0A==": "correctness of 9 samples must have 2 bytes; got 1",
        "0A": "correctness must be bits in base 64; Incorrect padding",
        "no!!": "correctness must be bits in base 64; .*",
    }.items(),
)
def test_what_is_damaged_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        unpack(text, 9)
