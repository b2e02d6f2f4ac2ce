"""Growth with time steps, first calls, and the overhead of the training loop are measured."""

from snnx.bench import growth, loop


def test_growth_table():
    measured = {"shape": [2], "chunk": 2, "memory": {"10": 300.4, "100": 301.0},
                "seconds": {"ReLU 10": [0.0005], "LIF 10": [0.001], "ReLU 100": [0.01], "LIF 100": [0.02]},
                "warm": [0.5, 0.7], "cold": [2.0]}  # fmt: skip
    grown, calls = growth.tables(measured)
    assert grown.rows == (("10", "50.0", "100.0", "300"), ("100", "100.0", "200.0", "301"))
    assert [row[1:] for row in calls.rows] == [("0.60", "2"), ("2.00", "1")]


def test_loop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = loop.measure(**loop.SMOKE)
    (table,) = loop.tables(found)
    assert [row[0] for row in table.rows] == ["plain loop", "snnx", "loader alone"]
    assert not list(tmp_path.iterdir())
    (table,) = loop.tables({"batches": 10, "batch_size": 2, "seconds": {"plain loop": [0.01]}})
    assert table.rows == (("plain loop", "1.000"),)
