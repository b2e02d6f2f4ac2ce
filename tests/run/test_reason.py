"""An error names the user's own line, file or component that it is about."""

import pytest
from command_lines import snnx
from own_folder import own_folder, refusal, write

NORM = (
    "from snnx.norm.norm import Norm\n\n\nclass Half(Norm):\n"
    "    def __init__(self, channels, **given):\n        super().__init__()\n\n"
    "    def forward(self, x):\n        return x[:, :, : x.shape[2] // 2]\n"
)
LOSS = (
    "from torch import nn\n\n\nclass PerSample(nn.Module):\n"
    "    def forward(self, scores, labels):\n        return nn.functional.cross_entropy(scores, labels, reduction='none')\n"
)
DETACHED = LOSS.replace("reduction='none')", "reduction='mean').detach()")


def test_a_file_that_is_no_python_is_named(tmp_path):
    folder = own_folder(tmp_path)
    path = write(folder, "ownlab/mine.py", "import torch\ndef f(:\n")
    assert refusal(folder, "neuron=mine") == f"snnx: {path} must be Python; line 2: invalid syntax [neuron=mine seed=0]\n"


STEPS = (
    "from torch import nn\n\n\nclass Steps(nn.Module):\n{}"
    "    def forward(self, outputs, labels):\n        return nn.functional.cross_entropy(outputs{}, labels)\n"
)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (
            STEPS.format("", ".mean(0)"),
            "set every_step = True, because it reads [T, B, K]; without it, a loss is given scores [B, K]",
        ),
        (
            STEPS.format("    every_step = True\n\n", ""),
            "not set every_step = True, because it reads scores [B, K]; with it, a loss is given the outputs [T, B, K]",
        ),
    ],
    ids=["forgets it", "need not say it"],
)
def test_a_loss_that_says_something_else_than_it_reads_is_refused_before_the_training(tmp_path, code, rule):
    folder = own_folder(tmp_path)
    write(folder, "ownlab/steps.py", code)
    write(folder, "conf/loss/steps.yaml", "_target_: ownlab.steps.Steps\n")
    assert refusal(folder, "loss=steps") == f"snnx: Steps must {rule} [loss=steps seed=0]\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "file", "code", "message"),
    [
        (
            "norm/half",
            "half.py",
            NORM,
            "norm must return the shape that it is given, [4, 1, 4, 8, 8]; got [4, 1, 2, 8, 8] from Half",
        ),
        ("loss/per_sample", "half.py", DETACHED, "(this run has components of your own: loss=ownlab.half.PerSample)"),
        ("loss/per_sample", "half.py", LOSS, "loss must give one number for a batch; got PerSample with a result of shape"),
    ],
)
def test_a_component_that_returns_the_wrong_shape_is_named(tmp_path, option, file, code, message):
    folder = own_folder(tmp_path)
    write(folder, f"ownlab/{file}", code)
    group, name = option.split("/")
    partial = "_partial_: true\n" if group == "norm" else ""
    write(folder, f"conf/{option}.yaml", f"_target_: ownlab.half.{'Half' if group == 'norm' else 'PerSample'}\n{partial}")
    done = snnx(folder, f"{group}={name}", "scale=smoke")
    assert done.returncode in (1, 2), done.stdout
    assert message in done.stdout + done.stderr


def test_other_commands_go_on_while_a_file_is_no_python(tmp_path):
    folder = own_folder(tmp_path)
    done = snnx(folder, "neuron=mine", "scale=smoke")
    assert done.returncode == 0, done.stderr
    write(folder, "ownlab/mine.py", "def f(:\n")
    done = snnx(folder, "status", "single")
    assert (done.returncode, done.stderr) == (0, "")
    # the other file is lif.py, which it no longer imports
    told = "1 of 1 results are out of date, because ownlab/mine.py changed, and 1 more file; "
    assert f"{told}run it again: snnx neuron=mine scale=smoke\n" in done.stdout


def test_evaluate_and_audit_say_that_code_has_changed(tmp_path):
    folder = own_folder(tmp_path)
    assert snnx(folder, "neuron=mine", "scale=smoke").returncode == 0
    (run,) = (folder / "outputs" / "single").iterdir()
    code = (folder / "ownlab" / "mine.py").read_text()
    write(folder, "ownlab/mine.py", code + "\n    more = 1\n")
    expected = "the run is out of date: ownlab/mine.py changed"
    assert expected in snnx(folder, "evaluate", str(run)).stdout
    assert expected in snnx(folder, "audit", str(run)).stdout


def test_a_deleted_component_is_named_as_missing(tmp_path):
    folder = own_folder(tmp_path)
    assert snnx(folder, "neuron=mine", "scale=smoke").returncode == 0
    (folder / "ownlab" / "mine.py").unlink()
    shown = snnx(folder, "status", "single").stdout
    assert "1 of 1 results are out of date, because ownlab/mine.py is missing; " in shown
    assert " ↻ │" in shown
