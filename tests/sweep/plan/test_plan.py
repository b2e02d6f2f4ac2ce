"""`snnx plan` measures what a sweep will cost, and compares its rows."""

import json
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from command_lines import snnx
from composing import composed
from finished import result_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from torch import nn

from snnx.command import main
from snnx.method.conversion import Conversion
from snnx.record.run_folder import link
from snnx.record.write import write
from snnx.run.shared_training import file_of
from snnx.sweep.plan.cost import Cost
from snnx.sweep.plan.done import done
from snnx.sweep.plan.measure import Clock, measure
from snnx.sweep.plan.plan import Plan
from snnx.sweep.plan.synops import synops


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([1, 2]), st.integers(1, 3), st.integers(0, 2), st.sampled_from([1, 2]))
def test_synops_count_the_products_with_nonzero_inputs(seed, stride, kernel, padding, groups):
    """With all weights 1 and all inputs 0 or 1, each output is the number of its products, so the sum is the expected count."""
    torch.manual_seed(seed)
    layer = nn.Conv2d(2, 4, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    x = (torch.rand(3, 2, 6, 5) < 0.3).float()
    counting = nn.Conv2d(2, 4, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    counting.weight.data.fill_(1.0)
    assert synops(layer, x * torch.randn(3, 2, 6, 5)) == round(counting(x).sum().item())


def test_cost_of_a_small_network(tmp_path):
    job = replace(composed("timesteps=2", "budget.samples=0.2", "trainer.accelerator=cpu"), outputs=str(tmp_path))
    cost = measure(job, 1)
    assert cost.parameters == 6138
    # 3x3 convolutions with 16 and 32 channels on 8x8 and 4x4 pixels, then 128 to 10; two operations per product, two steps
    assert cost.flops == 2 * 2 * (9 * 16 * 64 + 9 * 16 * 32 * 16 + 128 * 10)
    assert 0 < cost.synops < cost.flops / 2
    assert (cost.epochs, cost.steps) == (job.config["trainer"]["max_epochs"], (5, 1, 1))
    assert 0 < cost.step_s < cost.run_s
    assert list(tmp_path.iterdir()) == [], "temporary files must be removed"
    torch.set_num_threads(1)


def test_without_a_measured_network_no_time_is_promised():
    job, console = composed("seed=1"), Console(record=True, width=200)
    Plan([job], {job.group: "no data"}, done=[False], n_jobs=1).show(console)
    text = console.export_text()
    assert "1 of 1 runs to do; no network could be measured, so their time is not known" in text
    assert "about" not in text


def test_a_training_that_runs_share_counts_once(tmp_path):
    """An epoch takes 10 * 1 s + 1 s for its checkpoint, a test 5 * 2 s, and the start of each run 3 s."""
    words = ["method=conversion", "timesteps=20", "trainer.max_epochs=2"]
    changes = ([], ["method.percentile=99"], ["timesteps=30"], ["seed=1"])
    jobs = [replace(composed(*words, *change), outputs=str(tmp_path)) for change in changes]
    cost = Cost(
        parameters=1, flops=1.0, synops=1.0, peak_mb=1, gpu_peak_mb=None, start_s=3.0, step_s=1.0, val_s=0.0, test_s=2.0,
        save_s=1.0, steps=(10, 0, 5), epochs=2, built={}, test_only=(*Conversion.test_only, "encoding"),
    )  # fmt: skip

    def left_s(cost, done):
        return Plan(jobs, {job.group: cost for job in jobs}, done=done, n_jobs=1).left_s

    assert left_s(cost, [False] * 4) == 2 * 22 + 4 * (3 + 10)
    assert left_s(replace(cost, test_only=()), [False] * 4) == 4 * (22 + 3 + 10)
    assert left_s(cost, [True, False, False, True]) == 22 + 2 * (3 + 10), "the finished run has no checkpoints, as in a record"
    interrupted = write(jobs[0].folder / "ckpt" / "epoch=1.ckpt", "")
    assert left_s(cost, [False, False, False, True]) == 11 + 22 + 3 * (3 + 10), "an interrupted training is not shared"
    write(interrupted.with_name("epoch=2.ckpt"), "")
    write(file_of(jobs[0].config, tmp_path, cost.test_only), jobs[0].id)
    assert left_s(cost, [True, False, False, True]) == 2 * (3 + 10)
    assert left_s(cost, [False, False, False, True]) == 3 * (3 + 10), "it has trained, and only its test is left"


@pytest.mark.slow
def test_plan_counts_the_remaining_runs_and_executes_none(tmp_path):
    first = snnx(tmp_path, "plan", "sweep=demo_neurons", "seed=0,1", "scale=smoke", "hydra.launcher.n_jobs=2")
    assert first.returncode == 0, first.stderr
    assert "8 of 8 runs to do: about" in first.stdout
    assert "the 4 rows differ only in neuron" in first.stdout
    assert "it is not known which differences 2 seeds can decide: the rows of demo_neurons have not run yet" in first.stdout
    assert not (tmp_path / "outputs" / "runs").exists()
    done = composed("sweep=demo_neurons", "row=LIF", "seed=1", "scale=smoke")
    write(tmp_path / "outputs" / "runs" / done.id / "result.json", json.dumps(result_of(done)))
    second = snnx(tmp_path, "plan", "sweep=demo_neurons", "seed=0,1", "scale=smoke")
    assert "7 of 8 runs to do: about" in second.stdout


@pytest.mark.slow
def test_confounded_rows_are_an_error_unless_allowed(tmp_path, monkeypatch):
    write(
        tmp_path / "sweeps" / "demo_confounded.yaml",
        "# Two neurons.\n#   snnx -m sweep=demo_confounded\n"
        "sweep: {paper: demo, artifact: Two neurons, factor: neuron, metric: test/acc}\n"
        'rows:\n  A: {set: [neuron=if]}\n  B: {set: [neuron=lif, "backbone.channels=[8]"]}\n',
    )
    words = ["plan", "sweep=demo_confounded", "scale=smoke", "seed=0"]
    refused = snnx(tmp_path, *words)
    assert refused.returncode == 2, refused.stdout
    assert refused.stdout.count("≠ B compared to A: ") == refused.stdout.count("≠ B compared to A: backbone.channels: ") == 1
    assert "rows must differ only in neuron; got the differences above" in refused.stderr
    started = snnx(tmp_path, "-m", *words[1:], "trainer.max_epochs=0")
    assert "≠ B compared to A: backbone.channels: " in started.stdout
    assert ", which the sweep's factor does not explain" in started.stdout
    said = "B compared to A: backbone.channels: [16, 32] → [8]"
    assert started.stdout.count(said) == 2, "before the runs and in the report"
    allowed = snnx(tmp_path, *words, "confounds=allow")
    assert allowed.returncode == 0
    assert f"≠ {said}" in allowed.stdout


@pytest.mark.slow
def test_what_the_plan_refuses_the_sweep_and_its_claims_name(tmp_path):
    """The factor explains all settings of the neuron, so the reset is seen in the built layers only."""
    write(
        tmp_path / "sweeps" / "demo_reset.yaml",
        "# Two neurons.\n#   snnx -m sweep=demo_reset\n"
        "sweep: {paper: demo, artifact: Two neurons, factor: neuron, metric: test/acc, claims: [A < B]}\n"
        "rows:\n  A: {set: [neuron=if]}\n  B: {set: [neuron=lif, neuron.v_reset=null]}\n",
    )
    line = "B compared to A: v_reset: 0.0 → soft (stages.sn1, and 1 more)"
    assert line in snnx(tmp_path, "plan", "sweep=demo_reset", "scale=smoke", "seed=0").stdout
    ended = snnx(tmp_path, "-m", "sweep=demo_reset", "scale=smoke", "seed=0,1", "trainer.max_epochs=1")
    assert ended.returncode == 0, ended.stderr
    assert f"≠ {line}, which the sweep's factor does not explain" in ended.stdout
    assert f"smoke trainer.max_epochs=1: {line}, which the factor neuron does not explain" in ended.stdout
    assert "B also differs from A in v_reset" in ended.stdout


def test_help_and_a_wrong_value_of_confounds(empty, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["snnx", "plan", "--help"])
    assert main.main() == 0
    assert "usage: snnx plan -m sweep=NAME" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["snnx", "plan", "seed=0,1", "confounds=maybe"])
    assert main.main() == 2
    assert "confounds must be refuse or allow; got maybe" in capsys.readouterr().err


HAS_OPTUNA = find_spec("optuna") is not None
TUNED = """\
# Two rows that differ in their learning rate too, which is tuned.
sweep:
  paper: own
  artifact: T
  metric: test/acc
  factor: neuron
  tune: {keys: {optimizer.lr: "interval(0.001, 0.1)"}, trials: 3, seeds: 2, epochs: 0.5}
rows:
  IF: {set: [neuron=if, optimizer.lr=0.01]}
  LIF: {set: [neuron=lif, optimizer.lr=0.02]}
timesteps: 1
trainer: {max_epochs: 2, accelerator: cpu}
"""


@pytest.mark.slow
def test_plan_of_a_search_counts_its_trials_and_winners(tmp_path):
    """It needs no Optuna. A setting that is searched is no confound, and neither are the trials' shorter trainings."""
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "own_tuned.yaml").write_text(TUNED)
    words = ("plan", "sweep=own_tuned", "seed=0,1", "budget.samples=0.1")
    done = snnx(tmp_path, *words, "hydra/sweeper=snnx_tune")
    assert done.returncode == 0, done.stderr
    assert "16 of 16 runs to do: about" in done.stdout  # two rows, with three trials of two seeds and a winner on two seeds
    assert "at most: a search may stop trials early" in done.stdout
    assert "the 2 rows differ only in neuron and optimizer.lr" in done.stdout
    assert ("the plan can be made, but not executed yet: hydra/sweeper=snnx_tune needs optuna" in done.stdout) != HAS_OPTUNA
    assert not (tmp_path / "outputs" / "runs").exists()
    assert "optimizer.lr: 0.01 → 0.02" in snnx(tmp_path, *words).stdout, "without the search it is one"


def test_a_winner_is_done_if_its_own_search_has_chosen_its_settings(empty):
    """The row's own run is no winner, nor is that of another search. After a search its trials are done too."""
    (empty / "sweeps").mkdir()
    (empty / "sweeps" / "own_tuned.yaml").write_text(TUNED)
    words = ("sweep=own_tuned", "row=IF", "budget.samples=0.1")
    own = composed(*words, "seed=0")
    planned = [
        composed(*words, "seed=1000", "budget.epochs=0.5", "search={study: S, trial: 0, storage: null, pruner: null}"),
        composed(*words, "seed=0", "tuned={study: S, trials: 2, values: {optimizer.lr: null}}"),
    ]
    write(own.folder / "result.json", json.dumps(result_of(own)))
    assert done([own, *planned]) == [True, False, False]
    ran = composed(*words, "seed=0", "optimizer.lr=0.05", "tuned={study: S, values: {optimizer.lr: 0.05}}")
    link(ran.link, ran.folder)
    facts = {"pruned": 0, "failed": 0, "epochs": 1, "seeds": 1, "values": {"optimizer.lr": 0.05}, "val/acc": 0.9}
    for study, trials, both in (("another", 2, False), ("S", 1, False), ("S", 2, True)):
        write(ran.folder / "result.json", json.dumps(result_of(ran, tuned=facts | {"study": study, "trials": trials})))
        assert done(planned) == [both, both]


def test_one_pause_of_the_machine_does_not_count():
    clock = Clock()
    clock.stamps = [0.0, 9.0, 9.1, 9.2, 9.3, 9.4, 49.4, 49.5, 49.6]  # a slow first step, and a pause of 40 s
    assert clock.step_s == pytest.approx(0.1)
