"""Runs with every component are recorded and replayed, so that no change of what a run computes goes unnoticed."""

import json
from pathlib import Path

import pytest
import torch
from composing import composed

from snnx.command import replay as command
from snnx.options import sweepfile
from snnx.options.folders import shipped
from snnx.run.bound import bound
from snnx.run.build import build_method
from snnx.run.execute import execute
from snnx.run.replay import Comparison, _widened, nudge, replay

DOCS = Path(__file__).parents[2] / "docs" / "results"
NAME = "demo_every_part"
LINES = [json.loads(line) for line in (DOCS / NAME / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
GROUPS = (
    "method", "backbone", "norm", "neuron", "encoding", "decoding", "loss", "surrogate", "attention", "augmentation", "init",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=lambda line: line["row"])
def test_first_losses_are_those_of_the_record(line):
    run = composed(*(word for word in line["overrides"] if word.split("=")[0] not in ("force", "recorded", "outdated")))
    assert run.id == line["hash"]
    found = replay(run.config, line["first_losses"])
    assert found.agrees, f"recorded {line['first_losses']}, now {found.now}: the code computes something else"


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_has_a_recorded_run(group):
    options = {path.stem for path in (shipped("conf") / group).glob("*.yaml")}
    used = {str(choice) for row in sweepfile.read(sweepfile.find(NAME)).live for choice in choices(row, group)}
    assert options - used == set()
    assert {row.label for row in sweepfile.read(sweepfile.find(NAME)).live} == {line["row"] for line in LINES}


def choices(row, group):
    """The options of a group in a row: those that it sets, or the default in `conf/config.yaml`."""
    overrides = dict(word.split("=", 1) for word in row.overrides)
    defaults = {"encoding": "repeat", "surrogate": "arctan", "neuron": "lif", "decoding": "mean_logits", "augmentation": "none"}
    defaults |= {"loss": "cross_entropy", "method": "direct", "backbone": "convnet", "norm": "batch"}
    return overrides.get(group, defaults.get(group, "")).strip("[]").split(",")


def test_losses_agree_within_their_tolerance():
    assert Comparison([1.0, 2.0], [1.0, 2.1], [0.0, 0.2]).agrees
    assert not Comparison([1.0, 2.0], [1.0, 2.3], [0.0, 0.2]).agrees


def test_the_effect_of_the_last_digits_widens_the_tolerance_of_later_losses():
    """Steps 1 and 2 have twice the largest effect up to there: |1.02 - 1.1| = 0.08. The first loss has none."""
    plain = Comparison([1.0, 1.0, 1.0], [1.0, 1.1, 1.1], [0.01, 0.01, 0.01])
    nudged = [[1.05, 1.02, 1.1], [1.0, 1.1, 1.16]]
    assert _widened(plain, nudged) == pytest.approx([0.01, 0.17, 0.17])
    assert _widened(Comparison([1.0], [1.1], [0.01]), [[1.15], [1.0]]) == pytest.approx([0.01 + 2 * 0.1]), "a mean of an epoch"


def test_weights_change_by_no_more_than_four_units_in_the_last_place():
    method = build_method(composed("backbone=mlp").config, Facts())
    before = [p.detach().clone() for p in method.parameters()]
    nudge(method, 0)
    shares = torch.cat([((p - b) / b).abs()[b != 0].flatten() for p, b in zip(method.parameters(), before, strict=True)])
    assert shares.max() <= 2.0**-21 + 2.0**-23, "with its own rounding"
    assert (shares > 0).float().mean() > 0.5


class Facts:
    """The facts of a data set that a network needs."""

    shape, classes = (1, 8, 8), 10


def test_the_same_run_agrees_and_another_learning_rate_does_not():
    run = composed("backbone=mlp", "timesteps=2", "budget.samples=0.2")
    first = replay(run.config, [0.0] * 3)
    assert not first.agrees
    assert replay(run.config, first.now).differences == [0.0] * 3
    other = composed("backbone=mlp", "timesteps=2", "budget.samples=0.2", "optimizer.lr=0.1")
    assert not replay(other.config, first.now).agrees


@pytest.mark.parametrize("word", ["channels_last=true", "packed_spikes=true", "recompute=true", "recompute_steps=2"])
def test_how_memory_is_saved_or_laid_out_changes_the_losses_by_rounding_only(word):
    """A plain run's losses are replayed with the key set; two of the keys change no bit of them.

    The others may change a spike, on which later losses depend, so replay's own tolerance holds from the second loss on.
    """
    words = ["budget.samples=0.4", "timesteps=4", *(["norm=none"] if word.startswith("recompute_steps") else [])]
    plain, other = composed(*words), composed(*words, word)
    assert other.config != plain.config
    assert other.id == plain.id
    recorded = replay(plain.config, [0.0] * 5).now
    assert len(set(recorded)) == 5
    found = replay(other.config, recorded)
    assert found.agrees
    assert found.differences[0] <= bound(plain.config) * recorded[0]
    if word in ("packed_spikes=true", "recompute=true"):
        assert found.differences == [0.0] * 5
    assert not replay(other.config, [recorded[0], *(loss + 0.1 for loss in recorded[1:])]).agrees


def test_the_mean_loss_of_an_epoch_can_be_compared():
    run = composed("backbone=mlp", "timesteps=2", "budget.samples=0.2")
    loss = replay(run.config, [0.0], by_epoch=True).now
    assert replay(run.config, loss, by_epoch=True).differences == [0.0]
    assert not replay(run.config, [loss[0] + 1], by_epoch=True).agrees


def test_the_command_marks_confirmed_runs_and_names_those_that_differ(tmp_path, capsys):
    line = next(line for line in LINES if line["row"] == "MLP")
    wrong = {**line, "row": "Log", "first_losses": [loss + 1 for loss in line["first_losses"]]}
    old = {key: value for key, value in line.items() if key != "first_losses"} | {"row": "Rate"}  # as of an earlier snnx
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "runs.jsonl").write_text("".join(json.dumps(result) + "\n" for result in (old, line, wrong)))
    assert command.main([NAME, "--docs", str(tmp_path), "--outputs", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "[confirmed] Rate seed=0 paper: the loss of the first epoch differs by at most" in printed
    assert "[confirmed] MLP seed=0 paper: 10 first losses differ by at most" in printed
    assert "[differs] Log seed=0" in printed
    alone = f"snnx {' '.join(word for word in line['overrides'] if not word.startswith('recorded='))}"
    assert printed.endswith(
        "; if a change of snnx intends that, do what CONTRIBUTING.md says about numbers; if a change of your own component "
        f"does, train the run again, {alone}, and record it, snnx report demo_every_part --record\n"
    )
    marked = [json.loads(text) for text in (folder / "runs.jsonl").read_text().splitlines()]
    assert [result.get("confirmed", {}).get("by") for result in marked] == [
        "the loss of the first epoch",
        "10 first losses",
        None,
    ]


def test_the_command_says_which_seeds_it_leaves_out(tmp_path, capsys):
    line = next(line for line in LINES if line["row"] == "MLP")
    folder = tmp_path / NAME
    folder.mkdir()
    gone = [{**line, "seed": seed, "overrides": ["dataset=nothing"]} for seed in (5, 4)]  # a replay that ends at once
    told_once = "replaying 1 of 2 recorded runs, one seed of each row; --seed N replays another: 5\n"
    for seed, told in (((), told_once), (("--seed", "5"), "")):
        (folder / "runs.jsonl").write_text("".join(json.dumps(result) + "\n" for result in gone))
        assert command.main([NAME, "--docs", str(tmp_path), *seed]) == 1
        first, *others = capsys.readouterr().out.splitlines(keepends=True)
        assert len(others) == bool(told)
        assert first.startswith(told or "[failed] MLP seed=5 paper: ")


def test_titles_show_further_overrides_and_what_fails_names_the_next_step(tmp_path, capsys):
    line = next(line for line in LINES if line["row"] == "MLP")
    words = ["sweep=demo_every_part", "row=MLP", "seed=0", "dataset=nothing", "metric=[energy]"]
    lines = [
        {**line, "overrides": [*words, "recorded=True"], "further": "metric=[energy]"},
        {**line, "overrides": words[:3], "further": "neuron.tau=3", "hash": "0" * 16},
        {**line, "overrides": words[:4]},
    ]
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "runs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert command.main([NAME, "--docs", str(tmp_path)]) == 1
    failed, differs, plain = capsys.readouterr().out.splitlines()
    assert failed.startswith("[failed] MLP metric=[energy] seed=0 paper: ")
    alone = "snnx sweep=demo_every_part row=MLP seed=0 dataset=nothing 'metric=[energy]'"
    assert failed.endswith(f"; for the full error, run it alone: {alone}")
    assert differs.startswith("[differs] MLP neuron.tau=3 seed=0 paper: its overrides give another configuration today")
    assert differs.endswith(
        "; if that is intended, train the run again, snnx sweep=demo_every_part row=MLP seed=0, and record it, "
        "snnx report demo_every_part --record"
    )
    assert plain.startswith("[failed] MLP seed=0 paper: ")


def test_of_a_run_on_several_devices_only_the_test_is_repeated(tmp_path, capsys):
    line = next(line for line in LINES if line["row"] == "MLP")
    words = [*line["overrides"], "trainer=ddp"]
    line = {**line, "overrides": words, "hash": composed(*words).id}
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "runs.jsonl").write_text(json.dumps(line) + "\n")
    assert command.main([NAME, "--docs", str(tmp_path), "--outputs", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "[not run] MLP seed=0 paper: no weights here, so the test was not repeated; it was trained on several" in printed


@pytest.mark.slow
@pytest.mark.parametrize("words", [("backbone=mlp",), ("method=conversion", "timesteps=8"), ("trainer.max_epochs=0",)], ids=str)
def test_the_test_is_repeated_where_the_weights_were_kept_or_nothing_was_trained(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    base = {"timesteps": "2", "trainer.max_epochs": "1", "budget.samples": "0.3", "trainer.accelerator": "cpu"}
    words = [f"{key}={value}" for key, value in {**base, **dict(word.split("=") for word in words)}.items()]
    done = execute(composed(*words))
    assert done["status"] == "done"
    line = {**done, "overrides": words, "row": "One", "further": ""}
    trained = "trainer.max_epochs=0" not in words

    def replayed(line, *options):
        (tmp_path / "docs" / NAME).mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / NAME / "runs.jsonl").write_text(json.dumps(line) + "\n")
        code = command.main([NAME, "--docs", "docs", *options])
        return code, capsys.readouterr().out, json.loads((tmp_path / "docs" / NAME / "runs.jsonl").read_text())

    code, printed, marked = replayed(line)
    assert code == 0, printed
    assert "numbers of the test differ by at most 0 in test/" in printed
    assert marked["confirmed"]["by"].endswith("numbers of the test")
    assert ("first losses" in marked["confirmed"]["by"]) == trained
    worse = {**line, "metrics": {**line["metrics"], "test/acc": line["metrics"]["test/acc"] + 0.05}}
    code, printed, marked = replayed(worse)
    assert code == 1
    assert "in test/acc, where" in printed
    assert "confirmed" not in marked
    if trained:
        code, printed, marked = replayed(worse, "--outputs", "elsewhere")
        assert code == 0
        assert "no weights here, so the test was not repeated" in printed
        assert marked["confirmed"]["by"].endswith("first losses")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "sweep must be one of"),
        (["dtst_fig12_surrogates", "--docs", "."], "NAME must be a sweep with a record; got dtst_fig12_surrogates"),
        (["demo_neurons"], "demo_neurons/runs.jsonl; did you mean demo_nmnist?"),
        (["demo_neuron"], "that snnx --help lists; got demo_neuron; did you mean demo_neurons?"),
        (["X"], "that snnx --help lists; got X\n"),
        ([NAME, "--row", "X"], "--row must be among"),
        ([NAME, "--seed", "7"], "--seed must be a recorded seed; got 7"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys):
    assert command.main(words if "--docs" in words else [*words, "--docs", str(DOCS)]) == 2
    assert message in capsys.readouterr().err
