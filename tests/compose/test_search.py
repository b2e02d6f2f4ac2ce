"""Runs of a search and of its winner: what they are called, and that they are the runs that their settings describe."""

import pytest
from composing import composed

from snnx.compose.check import check

SWEEP = """\
# Two rows that are tuned.
sweep:
  paper: own
  artifact: T
  metric: test/acc
  tune: {keys: {optimizer.lr: "interval(0.001, 0.1)"}, trials: 2, epochs: 0.5}
rows:
  LIF: {set: [neuron=lif, optimizer.lr=0.02]}
  ReLU: {set: [neuron=relu]}
"""
ROW = ("sweep=own_tuned", "row=LIF")
CHOSEN = ("scale=smoke", "optimizer.lr=0.05", "seed=3")
SEARCH = "search={study:'x',trial:7,storage:null,pruner:null}"
TUNED = "tuned={study:'x',trials:2,values:{optimizer.lr:0.05}}"


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "own_tuned.yaml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_neither_key_changes_what_a_run_is():
    plain = composed("neuron=if", "seed=3")
    for word in (SEARCH, TUNED):
        found = composed("neuron=if", "seed=3", word)
        assert (found.id, found.group) == (plain.id, plain.group)


def test_the_winner_is_an_ordinary_run_under_the_label_of_the_tuned_row(own):
    winner, trial = composed(*ROW, *CHOSEN, TUNED), composed(*ROW, *CHOSEN, SEARCH)
    assert winner.config["optimizer"]["lr"] == 0.05, "the search beats the row"
    assert (winner.row, winner.name) == ("LIF-tuned", "LIF-tuned,seed=3,scale=smoke")
    assert (trial.row, trial.name) == ("LIF trial 7", "search/LIF,seed=3,scale=smoke,optimizer.lr=0.05")
    assert trial.link.parent.name == "search"
    assert winner.id == trial.id


def test_a_recorded_line_of_a_winner_can_be_composed_again(own):
    """Its words set a key that a row sets, which only a search may do."""
    recorded = composed(*ROW, *CHOSEN, TUNED)
    again = composed(*recorded.overrides)
    assert (again.id, again.row) == (recorded.id, "LIF-tuned")
    with pytest.raises(ValueError, match=r"optimizer.lr must not be set in sweep own_tuned, whose rows set it"):
        composed(*ROW, *CHOSEN)


def test_a_search_names_nothing_outside_optuna():
    bad = "search={study:'x',trial:0,storage:{_target_:os.system},pruner:null}"
    with pytest.raises(ValueError, match=r"search.storage._target_ must be in one of optuna.storages, .*; got os.system"):
        check(composed("neuron=if", bad))
