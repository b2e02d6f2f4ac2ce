"""The key `tune` of a sweep file: it is checked, and each searched row gets a tuned twin that only a search can launch."""

import pytest

from snnx.options.sweepfile import read
from snnx.report.data.claim import read as read_claims

TUNE = "keys: {optimizer.lr: 'tag(log, interval(1e-4, 1e-2))'}, trials: 4, epochs: 0.34"


@pytest.fixture
def write(tmp_path):
    def write(tune: str, rows: str = "A: {set: [neuron=lif], reported: 90, note: x}\n  B: {set: [neuron=if]}"):
        path = tmp_path / "mine.yaml"
        path.write_text(
            "sweep:\n  paper: own\n  artifact: T\n  metric: test/acc\n  claims: [A-tuned > A]\n"
            f"  tune: {tune}\nrows:\n  {rows}\n  C: {{cited: others, reported: 80}}\n"
        )
        return path

    return write


def test_each_row_is_followed_by_its_tuned_twin(write):
    sweep = read(write(f"{{{TUNE}}}"))
    assert [row.label for row in sweep.rows] == ["A", "A-tuned", "B", "B-tuned", "C"]
    assert [row.label for row in sweep.live] == ["A", "B"]
    assert [row.label for row in sweep.measured] == ["A", "A-tuned", "B", "B-tuned"]
    row, twin = sweep.rows[:2]
    assert (twin.tuned_from, twin.overrides) == ("A", row.overrides)
    assert (row.reported, twin.reported, twin.note) == ({"test/acc": 90}, {}, None)
    assert read_claims(sweep)[0].rows == ["A-tuned", "A"]
    assert "tune" not in sweep.body["sweep"], "Hydra does not read it"


def test_only_the_named_rows_are_tuned(write):
    sweep = read(write(f"{{{TUNE}, rows: [B], seeds: 2, objectives: [val/acc, val/energy_45nm_uj]}}").with_name("mine.yaml"))
    assert [row.label for row in sweep.measured] == ["A", "B", "B-tuned"]
    assert (sweep.tune.rows, sweep.tune.seeds, sweep.tune.objectives) == (("B",), 2, ("val/acc", "val/energy_45nm_uj"))


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ("[1]", r"keys of tune must be among .*; got \[1\]"),
        (f"{{{TUNE}, trails: 4}}", r"keys of tune must be among .*; got .*'trails'"),
        ("{trials: 4}", r"tune must name \['keys', 'epochs'\]"),
        (f"{{{TUNE}, seeds: 0}}", "seeds of tune must be an integer > 0; got 0"),
        (f"{{{TUNE.replace('4,', 'true,')}}}", "trials of tune must be an integer > 0; got True"),
        (f"{{{TUNE.replace('0.34', '1.5')}}}", r"epochs of tune must be a share of the row's epochs, in \(0, 1\]; got 1.5"),
        ("{keys: {}, trials: 4, epochs: 0.5}", "keys of tune must be a mapping from keys to what is searched; got {}"),
        ("{keys: {seed: '0,1'}, trials: 4, epochs: 1}", "keys of tune must not contain seed, which a search sets itself; got"),
        ("{keys: {a.b: 3}, trials: 4, epochs: 1}", r"a.b of tune must be a range or a choice, such as interval\(.*\); got 3"),
        (f"{{{TUNE}, rows: A}}", "rows of tune must be a list of rows of the sweep; got A"),
        (f"{{{TUNE}, rows: [LIF, A]}}", "rows of tune must be among A, B; got LIF"),
        (f"{{{TUNE}, objectives: [val/loss]}}", r"objectives of tune must be \[val/acc\], or that and .*; got \['val/loss'\]"),
        (f"{{{TUNE}, objectives: [val/acc, test/acc]}}", r"objectives of tune must be .*; got \['val/acc', 'test/acc'\]"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(write, tune, message):
    with pytest.raises(ValueError, match=f"^mine.yaml: {message}") as caught:
        read(write(tune))
    assert "\n" not in str(caught.value)


def test_a_row_is_not_named_like_a_tuned_one(write):
    rows = "A: {set: [neuron=lif]}\n  A-tuned: {set: [neuron=if]}"
    with pytest.raises(ValueError, match="a row must not be named like a tuned row; got A-tuned: rename it"):
        read(write(f"{{{TUNE}, rows: [A]}}", rows))
