"""Groups that a method does not use are rejected before the run starts."""

import re
import sys
from dataclasses import replace

import pytest
from composing import composed
from own_folder import own_folder, write

from snnx.compose.check import check
from snnx.run.execute import execute


@pytest.mark.parametrize(
    "word", ["encoding=rate", "neuron=lif", "neuron.tau=3.0", "surrogate=triangle", "decoding=spike_count"]
)
def test_a_group_that_the_method_does_not_use_is_rejected(word):
    line = ["method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "dataset=mnist"]
    check(composed(*line))
    group = word.split("=")[0].split(".")[0]
    with pytest.raises(ValueError, match=f"{group} must not be set for TTFS, which does not use it; got {word}: leave it out"):
        check(composed(*line, word))


def test_a_neuron_without_an_argument_surrogate_is_named(empty, monkeypatch):
    """The method does use surrogates; it is the neuron's constructor that leaves this one out."""
    own_folder(empty)
    write(
        empty,
        "ownlab/mine.py",
        "from snnx.neuron.lif import LIF\n\n\nclass Mine(LIF):\n"
        "    def __init__(self, tau):\n        super().__init__(tau=tau)\n",
    )
    monkeypatch.syspath_prepend(empty)
    for name in ("ownlab", "ownlab.mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    check(composed("neuron=mine"))
    with pytest.raises(ValueError, match=r"^Mine takes no argument surrogate: add it, or leave surrogate=triangle out"):
        check(composed("neuron=mine", "surrogate=triangle"))


@pytest.mark.parametrize(("method", "pool"), [("conversion", "avg"), ("ttfs", "max")])
def test_event_data_are_rejected_by_methods_with_their_own_encoding(method, pool):
    """The advice is not to set an encoding, which these methods would reject."""
    with pytest.raises(ValueError, match=r"dataset must have images for \w+, which .*; got samples .*; use method=direct"):
        check(composed(f"method={method}", "dataset=nmnist", "backbone=scnn", "backbone.bias=false", f"backbone.pool={pool}"))


def test_direct_training_uses_all_these_groups():
    check(composed("encoding=rate", "neuron=plif", "surrogate=triangle", "decoding=spike_count"))


@pytest.mark.parametrize(
    ("group", "partial", "message"),
    [
        ("neuron", None, "neuron must have _partial_: true, because it is built later with more arguments; got none: add it"),
        (
            "loss",
            True,
            "loss must not have _partial_, because its class is called when the run is built; got torch.nn.CrossEntropyLoss",
        ),
    ],
)
def test_an_option_that_says_wrongly_whether_it_is_built_later_is_rejected(group, partial, message):
    job = composed()
    node = {key: value for key, value in job.config[group].items() if key != "_partial_"}
    node |= {"_partial_": partial} if partial else {}
    with pytest.raises(ValueError, match=f"^{message}$"):
        check(replace(job, config={**job.config, group: node}))


def test_a_run_that_differs_in_the_seed_only_is_not_built_again():
    checked = set()
    for seed in (0, 1):
        check(composed(f"seed={seed}"), checked)
    assert len(checked) == 1
    check(composed("seed=1", "neuron.tau=4"), checked)
    check(composed("seed=1", "dataset.seed=0"), checked)
    assert len(checked) == 3


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("seed=-1", "seed must be at least 0; got -1"),
        ("neuron.tau=0.5", "tau must be greater than 1"),
        ("encoding=events", "encoding must take samples of shape"),
        ("trainer.max_epochs=2.5", "trainer.max_epochs must be an integer"),
    ],
)
def test_nothing_that_is_wrong_is_taken_for_an_earlier_run(word, message):
    checked = set()
    check(composed("seed=0"), checked)
    with pytest.raises(ValueError, match=message):
        check(composed(word), checked)
    assert len(checked) == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("self.w = torch.zeros(2, 3) @ torch.zeros(4, 5)", "RuntimeError"),  # raised while torch computes shapes
        ("self.w = torch.zeros(2).view(3)", "RuntimeError"),
        (
            "self.w = torch.nn.Conv2d(3, 4, 3, groups=2)",
            "ValueError",
        ),  # torch raises it in a file of its own
        ("self.w = helper.product(2)", "RuntimeError"),
        ("self.w = int('two')", "ValueError"),
    ],
)
def test_an_error_inside_torch_names_the_line_of_the_users_component(empty, monkeypatch, line, error):
    own_folder(empty)
    file = write(
        empty,
        "ownlab/mine.py",
        "import torch\nimport helper\nfrom snnx.neuron.lif import LIF\n\n\nclass Mine(LIF):\n    def __init__(self, **rest):\n"
        f"        super().__init__(tau=2.0)\n        {line}\n",
    )
    beside = write(empty, "helper.py", "import torch\n\n\ndef product(n):\n    return torch.zeros(n, 3) @ torch.zeros(n, 5)\n")
    place = f"{beside}:5" if "helper" in line else f"{file}:9"
    monkeypatch.syspath_prepend(empty)
    for name in ("ownlab", "ownlab.mine", "helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ValueError, match=rf"^{error}: .* \({re.escape(place)}\) \[neuron=mine seed=0\]$"):
        check(composed("neuron=mine"))


def test_an_error_in_the_training_names_the_line_of_the_users_component(empty, monkeypatch):
    own_folder(empty)
    file = write(
        empty,
        "ownlab/mine.py",
        "from snnx.neuron.lif import LIF\n\n\nclass Mine(LIF):\n    def charge(self, x, v):\n"
        "        return super().charge(x[:, 1:] if self.training else x, v)\n",
    )
    monkeypatch.syspath_prepend(empty)
    for name in ("ownlab", "ownlab.mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    job = replace(
        composed("neuron=mine", "backbone=mlp", "trainer.max_epochs=1", "budget.samples=0.05"), outputs=str(empty / "outputs")
    )
    outcome = execute(job)
    assert outcome["status"] == "failed"
    assert outcome["error"]["message"].endswith(f"({file}:6)"), outcome["error"]["message"]
    assert not (empty / "checkpoints").exists()


def test_a_misspelled_key_of_a_sweep_file_is_named_with_the_sweep_and_without_a_list_of_all_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = "sweep: {paper: own, artifact: T, metric: test/acc}\ntrainer: {max_epoch: 2}\n"
    write(tmp_path, "sweeps/few.yaml", f"{head}rows: {{A: {{set: [neuron=if]}}}}\n")
    message = r"^trainer: Trainer has no argument max_epoch; did you mean max_epochs\? \[sweep=few, A seed=0\]$"
    with pytest.raises(ValueError, match=message):
        check(composed("sweep=few", "row=A"))
