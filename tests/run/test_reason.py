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


def test_a_file_that_is_no_python_is_named(tmp_path):
    folder = own_folder(tmp_path)
    path = write(folder, "ownlab/mine.py", "import torch\ndef f(:\n")
    assert refusal(folder, "neuron=mine") == f"snnx: {path} must be Python; line 2: invalid syntax [neuron=mine seed=0]\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "file", "code", "message"),
    [
        ("norm/half", "half.py", NORM, r"this run has components of your own: norm=ownlab.half.Half)"),
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
    assert done.returncode == 1, done.stdout
    assert message in done.stdout
