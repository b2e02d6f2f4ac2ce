"""Every encoding in the configuration is measured."""

from snnx.bench.encoders import SMOKE, measure, tables
from snnx.options.folders import shipped


def test_measures_every_option():
    measured = measure(**SMOKE)
    assert set(measured["seconds"]) == {file.stem for file in (shipped("conf") / "encoding").glob("*.yaml")}
    assert measured["values"]["repeat"] == 3 * 2 * 64
    assert measured["values"]["gaussian"] == 8 * 3 * 2 * 64
    (table,) = tables(measured)
    assert len(table.rows) == len(measured["seconds"])
