"""Data sets on this machine are measured, and others are named as missing."""

from snnx.bench.loading import SMOKE, measure, tables
from snnx.dataset.event_digits import EventDigits
from snnx.dataset.nmnist import NMNIST


def test_waiting_and_training_are_measured_separately(empty):
    measured = measure(**(SMOKE | {"sets": (NMNIST, EventDigits)}))
    assert measured["missing"] == ["nmnist"]
    (waited,), (trained,) = measured["waited"].values(), measured["trained"].values()
    assert len(waited) == len(trained) == SMOKE["rounds"]
    assert 0 < sum(waited) < sum(trained)
    (table,) = tables(measured)
    assert [row[0] for row in table.rows] == ["event_digits", "nmnist"]
