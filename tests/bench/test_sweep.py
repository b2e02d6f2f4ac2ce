"""The overhead of a job is measured with real commands, and its tables."""

import pytest

from snnx.bench.sweep import snnx, tables


def test_a_command_that_fails_raises(tmp_path):
    with pytest.raises(RuntimeError, match=r"the command snnx neuron=none must exit with 0; got 2: "):
        snnx(tmp_path, "neuron=none")


def test_table():
    measured = {
        "jobs": 3,
        "rows": ["IF"],
        "first": 5.0,
        "further": [1.0, 2.0],
        "alone": [7.0, 8.0],
        "forecast": 40.0,
        "took": 50.0,
    }
    forecast, table = tables(measured)
    assert forecast.rows == (("40", "50.0", "1.25"),)
    assert [row[1:] for row in table.rows] == [("5.00", "1"), ("1.50", "2"), ("2.5%", "2"), ("7.50", "2")]
