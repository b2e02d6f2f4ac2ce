"""Remarks on rows that differ in more than the factor, and on rows that have changed in the sweep file since their runs."""

import pytest

from snnx.options.sweepfile import read
from snnx.report.data.runs import collect
from snnx.report.results import work_out

SWEEP = (
    "# Two neurons.\n#   snnx -m sweep=fig\n"
    "sweep: {{paper: demo, artifact: Two neurons, factor: neuron, metric: test/acc{tune}}}\n"
    "rows:\n  A: {{set: [neuron=if]}}\n  B: {{set: [neuron=lif, {b}]}}\n"
)
IF = {"neuron": {"_target_": "snnx.neuron.if_.IF", "v_threshold": 1.0}, "optimizer": {"lr": 0.1}, "seed": 0}
LIF = {"neuron": {"_target_": "snnx.neuron.lif.LIF", "v_threshold": 1.0, "tau": 2.0}, "optimizer": {"lr": 0.2}, "seed": 0}
RATES = ("optimizer.lr=0.1",)  # of the command line; the files have another one


@pytest.fixture
def noted(tmp_path, outputs, docs, leave, done):
    """A function that returns the remarks on one run of IF and one of LIF, under this sweep file."""

    def noted(b: str = "neuron.tau=2", tune: str = "", a: dict = IF, lif: dict = LIF, overrides: tuple = ()) -> list[str]:
        path = tmp_path / "fig.yaml"
        path.write_text(SWEEP.format(b=b, tune=tune))
        leave("fig", "A,seed=0,scale=small", done("A", 0, 0.9, physics=a, overrides=["row=A", *RATES]))
        leave("fig", "B,seed=0,scale=small", done("B", 0, 0.9, physics=lif, overrides=["row=B", *RATES, *overrides]))
        return work_out(read(path), collect("fig", outputs, docs)).notes

    return noted


def test_a_setting_that_the_factor_does_not_explain_is_named(noted):
    assert "small: B compared to A: optimizer.lr: 0.1 → 0.2, which the factor neuron does not explain" in noted()


def test_rows_that_differ_in_the_factor_only_are_not_named(noted):
    assert not [note for note in noted(lif={**LIF, "optimizer": {"lr": 0.1}}) if "explain" in note]


def test_a_tuned_key_may_differ(noted):
    tune = ", tune: {keys: {optimizer.lr: 'interval(0.001, 0.1)'}, trials: 2, epochs: 0.5}"
    assert not [note for note in noted(tune=tune) if "explain" in note]


@pytest.mark.parametrize(
    ("b", "change"),
    [("neuron.tau=4", "neuron.tau: 2.0 → 4"), ("neuron=plif", "neuron: snnx.neuron.lif.LIF → snnx.neuron.plif.PLIF")],
)
def test_a_row_that_has_changed_since_its_run_is_named(noted, b, change):
    assert f"B, seed 0, small: {change} since this run; run the sweep again: snnx -m sweep=fig scale=small" in noted(b)


def test_an_option_whose_file_has_changed_since_the_run_is_named(noted):
    assert (
        "A, seed 0, small: neuron.v_threshold: 0.5 → 1.0 since this run; run the sweep again: snnx -m sweep=fig scale=small"
        in noted(a={**IF, "neuron": {**IF["neuron"], "v_threshold": 0.5}})
    )


def test_a_row_that_has_not_changed_is_not_named(noted):
    assert not [note for note in noted("neuron.tau=2") if "since this run" in note]


def test_a_setting_of_the_command_line_is_no_change_of_the_row(noted):
    assert not [note for note in noted("neuron.tau=4", overrides=("neuron.tau=2",)) if "since this run" in note]


def test_a_claim_on_a_metric_that_no_run_has_is_named(noted):
    claims = ", claims: [A > B, {metric: test/enregy, claim: A < B}]"
    left_out = [note for note in noted(tune=claims) if "left out" in note]
    expected = "the claim A < B on test/enregy is left out, because no run has test/enregy: "
    assert [note.startswith(expected) for note in left_out] == [True]
