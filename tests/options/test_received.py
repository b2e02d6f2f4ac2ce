"""Options, sweep files and rows from somebody else set values of a run; they never decide what is executed, kept or deleted."""

import re

import pytest
from composing import composed
from own_folder import refusal, write

from snnx.options.received import COMMAND_LINE_ONLY, LARGEST, check_content, check_keys
from snnx.run.reopen import reopen

SWEEP = "# A figure.\n#   snnx -m sweep=evil\nsweep: {paper: own, artifact: T, metric: test/acc}\n"
EVIL = "{evil: {_target_: evil.Callback}}"


@pytest.mark.parametrize(
    ("path", "text", "words", "message"),
    [
        (
            "conf/recipe/evil.yaml",
            f"# @package _global_\nhydra: {{callbacks: {EVIL}}}\n",
            ["recipe=evil"],
            "hydra must be set on",
        ),
        (
            "conf/neuron/evil.yaml",
            f"# @package hydra.callbacks\n{EVIL}\n",
            ["neuron=evil"],
            "@package must not be in Hydra's own",
        ),
        (
            "conf/neuron/evil.yaml",
            f"\n#  @package   _global_.hydra\n{EVIL}\n",
            ["neuron=evil"],
            "@package must not be in Hydra's",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults:\n  - override /hydra/launcher: basic\n",
            ["recipe=evil"],
            "defaults must choose no option of Hydra itself; got override /hydra/launcher",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults: [{/neuron@hydra.callbacks: lif}]\n",
            ["recipe=evil"],
            "defaults must choose no option of Hydra itself; got /neuron@hydra.callbacks",
        ),
        ("conf/hydra/launcher/evil.yaml", f"{EVIL}\n", ["neuron=lif"], "must not be an option of Hydra itself"),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\nforce: true\n",
            ["recipe=evil"],
            "force must be set on the command line",
        ),
        ("conf/recipe/evil.yaml", "a: &a [1]\nb: [*c]\n", ["recipe=evil"], "must be YAML"),
        ("conf/recipe/evil.yaml", "a: !!python/object/apply:os.system [true]\n", ["recipe=evil"], "must be YAML"),
        ("sweeps/evil.yaml", f"{SWEEP}force: true\n", ["-m", "sweep=evil"], "force must be set on"),
        ("sweeps/evil.yaml", f"{SWEEP}hydra: {{callbacks: {EVIL}}}\n", ["-m", "sweep=evil"], r"only sweeper\.params; got"),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}defaults: [{{override /hydra/sweeper: basic}}]\n",
            ["-m", "sweep=evil"],
            "defaults must choose no option of Hydra itself",
        ),
        *(
            (
                "sweeps/evil.yaml",
                f"{SWEEP}rows: {{A: {{set: ['{word}']}}}}\n",
                ["-m", "sweep=evil"],
                "must be set on the command",
            )
            for word in ("hydra/launcher=basic", "+hydra.callbacks.evil=x", "hydra.sweep.dir=/tmp", "++search={study: x}")
        ),
    ],
)
def test_a_received_file_that_decides_more_than_a_run_is_refused(tmp_path, path, text, words, message):
    write(tmp_path, "evil.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    write(tmp_path, path, text)
    assert re.search(message, refusal(tmp_path, *words))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("key", COMMAND_LINE_ONLY)
@pytest.mark.parametrize("form", ["{}", "+{}", "++{}.a", "~{}", "{}/a", "{}@b", " {}"])
def test_no_way_of_writing_such_a_key_is_accepted(key, form):
    with pytest.raises(ValueError, match=f"row A: {key} must be set on the command line only: leave it out"):
        check_keys([form.format(key)], "row A")


def test_aliases_of_aliases_are_counted_and_not_written_out():
    value: list = [0] * 10
    for _ in range(30):
        value = [value] * 10  # 10**31 values in 310
    with pytest.raises(ValueError, match=f"x.yaml: must have at most {LARGEST:,} values"):
        check_content({"a": value}, "x.yaml")


def test_aliases_of_aliases_in_a_received_run_are_not_written_out(tmp_path):
    lines = ["seed: 0", "method: {}", "budget: {}", "trainer: {}", "a0: &a0 [0,0,0,0,0,0,0,0,0,0]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    write(tmp_path, "config.yaml", "\n".join([*lines, "dataset: *a29", ""]))
    with pytest.raises(ValueError, match=r"config\.yaml: must have at most 100,000 values"):
        reopen(tmp_path)


@pytest.mark.parametrize("name", ["HOME", "AWS_SECRET_ACCESS_KEY", "PATH"])
def test_only_variables_of_snnx_can_be_read(monkeypatch, name, tmp_path):
    monkeypatch.setenv(name, "a secret text")
    error = refusal(tmp_path, "dataset=mnist", f"dataset.root=${{oc.env:{name}}}")
    assert f"oc.env must name an environment variable that begins with SNNX_; got {name}" in error
    assert "a secret text" not in error


def test_variables_of_snnx_can_be_read(monkeypatch):
    monkeypatch.setenv("SNNX_SCRATCH", "/scratch")
    assert composed("dataset=mnist", "dataset.root=${oc.env:SNNX_SCRATCH}/data").config["dataset"]["root"] == "/scratch/data"
    assert composed("dataset=mnist", "dataset.root=${oc.env:SNNX_NONE,here}").config["dataset"]["root"] == "here"
