"""A sweep says once, for each reason, that a run trains neurons without a fused kernel."""

import io

import pytest
from composing import composed
from rich.console import Console

from snnx.sweep.display import Display

NOISY = "definition (Noisy: it draws random numbers (rand_like))"
DONE = {"status": "done", "metrics": {"test/acc": 0.5}, "curves": {"val/acc": [0.5]}, "wall_s": 1.0}


def shown(outcomes: list[dict]) -> str:
    jobs, text = [composed(f"seed={seed}") for seed in range(len(outcomes))], io.StringIO()
    with Display(jobs, Console(file=text, width=200)) as display:
        for job, outcome in zip(jobs, outcomes, strict=True):
            display.end(job, {**DONE, **outcome})
    return text.getvalue()


def test_the_first_run_of_a_sweep_names_the_reason():
    found = shown([{"paths": {"train": {"numba": 1, NOISY: 1}, "test": {}}}] * 2)
    assert (
        found.count("trains neurons step by step, without a fused kernel (Noisy: it draws random numbers (rand_like))\n") == 1
    )


@pytest.mark.parametrize(
    "outcome",
    [
        {"paths": {"train": {"numba": 4}, "test": {NOISY: 1}}},  # a test takes no time to speak of
        {"paths": {"train": {NOISY: 1}}, "before": True},
        {"paths": {"train": {"spikingjelly": 2}}},
        {},
    ],
)
def test_other_runs_give_no_line(outcome):
    assert "step by step" not in shown([outcome] * 2)


def test_a_single_run_has_printed_the_reason_itself():
    assert "step by step" not in shown([{"paths": {"train": {NOISY: 1}, "test": {}}}])
