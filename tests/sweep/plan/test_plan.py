"""What a sweep will cost is measured, and what is done costs nothing."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from command_lines import snnx
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.command import main
from snnx.record.write import write
from snnx.sweep.plan.measure import measure
from snnx.sweep.plan.synops import synops


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([1, 2]), st.integers(1, 3), st.integers(0, 2), st.sampled_from([1, 2]))
def test_synops_are_the_products_that_are_not_zero(seed, stride, kernel, padding, groups):
    """Counted one by one: with all weights one and all inputs 0 or 1, the output is the number of products."""
    torch.manual_seed(seed)
    layer = nn.Conv2d(2, 4, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    x = (torch.rand(3, 2, 6, 5) < 0.3).float()
    counting = nn.Conv2d(2, 4, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    counting.weight.data.fill_(1.0)
    assert synops(layer, x * torch.randn(3, 2, 6, 5)) == round(counting(x).sum().item())


def test_a_network_is_measured(tmp_path):
    job = replace(composed("timesteps=2", "budget.samples=0.2", "trainer.accelerator=cpu"), outputs=str(tmp_path))
    cost = measure(job, 1)
    assert cost.parameters == 6138
    # 16 and 32 channels of 3x3 on 8x8 and 4x4 pixels, then 128 to 10; two operations a product, over two steps
    assert cost.flops == 2 * 2 * (9 * 16 * 64 + 9 * 16 * 32 * 16 + 128 * 10)
    assert 0 < cost.synops < cost.flops / 2
    assert (cost.epochs, cost.steps) == (job.config["trainer"]["max_epochs"], (5, 1, 1))
    assert 0 < cost.step_s < cost.run_s
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    torch.set_num_threads(1)


@pytest.mark.slow
def test_plan_says_what_is_to_do_and_trains_nothing(tmp_path):
    first = snnx(tmp_path, "plan", "sweep=demo_neurons", "seed=0,1", "scale=smoke", "hydra.launcher.n_jobs=2")
    assert first.returncode == 0, first.stderr
    assert "8 of 8 runs to do: about" in first.stdout
    assert "the 4 rows differ in neuron and in nothing else" in first.stdout
    assert not (tmp_path / "outputs" / "runs").exists()
    done = composed("sweep=demo_neurons", "row=LIF", "seed=1", "scale=smoke")
    write(tmp_path / "outputs" / "runs" / done.id / "result.json", json.dumps({"status": "done", "metrics": {}}))
    second = snnx(tmp_path, "plan", "sweep=demo_neurons", "seed=0,1", "scale=smoke")
    assert "7 of 8 runs to do: about" in second.stdout


@pytest.mark.slow
def test_plan_refuses_what_is_confounded_unless_allowed(tmp_path, monkeypatch):
    words = [
        "plan",
        "sweep=dtst_fig11_encodings",
        "row=Latency,Gaussian",
        "dataset=digits",
        "backbone.patch=2",
        "scale=smoke",
        "seed=0",
    ]
    refused = snnx(tmp_path, *words)
    assert refused.returncode == 2, refused.stdout
    assert "≠ Gaussian against Latency: parameters:" in refused.stdout
    assert "rows must differ in encoding and in nothing else" in refused.stderr
    allowed = snnx(tmp_path, *words, "confounds=allow")
    assert allowed.returncode == 0
    assert "≠ Gaussian against Latency: parameters:" in allowed.stdout


def test_help_and_a_wrong_word(empty, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["snnx", "plan", "--help"])
    assert main.main() == 0
    assert "usage: snnx plan -m sweep=NAME" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["snnx", "plan", "seed=0,1", "confounds=maybe"])
    assert main.main() == 2
    assert "confounds must be refuse or allow; got maybe" in capsys.readouterr().err
