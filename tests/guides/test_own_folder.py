"""The guides to a folder of one's own, followed from the first line to the last, beginning in an empty folder."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from following import follow, run, text_of

TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def result_of(run: Path) -> dict:
    return json.loads((run / "result.json").read_text())


def numbers_of(run: Path) -> dict:
    """What a run measured, without the times that it took."""
    return {name: value for name, value in result_of(run)["metrics"].items() if name.startswith(("test/", "val/"))}


@pytest.mark.guides
def test_your_own_project(wheel, tmp_path):
    folder = follow("your_own_project", tmp_path, package=wheel)
    assert folder == tmp_path / "mylab"
    assert (folder / "docs" / "results" / "mylab_tiring.md").is_file()
    assert len(list(folder.glob("outputs/single/*lossy*"))) == 1
    for block in TOML.findall(text_of("your_own_project")):
        for table, value in tomllib.loads(block).items():
            stated = tomllib.loads((folder / "pyproject.toml").read_text())[table]
            assert all(stated[key] == value[key] for key in value), "the guide shows what the folder has"


@pytest.mark.slow
def test_add_a_neuron(wheel, tmp_path):
    folder = follow("add_a_neuron", tmp_path, package=wheel)
    line, file = "snnx neuron=alif neuron.beta=1 scale=smoke", folder / "mylab" / "alif.py"
    (made,) = folder.glob("outputs/single/*beta=1*")
    first = (made / "result.json").stat().st_mtime_ns
    file.write_text(file.read_text() + "# a comment\n")
    run(line, folder)
    assert (made / "result.json").stat().st_mtime_ns == first, "a comment changes nothing"
    file.write_text(file.read_text().replace("self.rho * state.b +", "0.5 * state.b +"))
    run(f"{line} outdated=true", folder)
    assert (made / "result.json").stat().st_mtime_ns == first
    done = run(line, folder)
    assert "out of date because mylab/alif.py changed" in done.stdout + done.stderr
    assert (made / "result.json").stat().st_mtime_ns != first
    assert len(list(folder.glob("outputs/single/*beta=1*"))) == 1, "an edit renames no run"


@pytest.mark.guides
def test_add_a_backbone(wheel, tmp_path):
    folder = follow("add_a_backbone", tmp_path, package=wheel)
    assert len(list(folder.glob("outputs/single/*backbone=separable*/result.json"))) == 4


@pytest.mark.guides
def test_add_a_loss(wheel, tmp_path):
    folder = follow("add_a_loss", tmp_path, package=wheel)
    assert len(list(folder.glob("outputs/single/*loss=rising*/result.json"))) == 2


@pytest.mark.guides
def test_add_a_norm(wheel, tmp_path):
    folder = follow("add_a_norm", tmp_path, package=wheel)
    assert len(list(folder.glob("outputs/single/*norm=*/result.json"))) == 4


@pytest.mark.guides
def test_add_a_metric(wheel, tmp_path):
    folder = follow("add_a_metric", tmp_path, package=wheel)
    (made,) = folder.glob("outputs/single/*overshoot*")
    assert result_of(made)["metrics"]["test/overshoot"] >= 0


@pytest.mark.guides
def test_add_a_method(wheel, tmp_path):
    folder = follow("add_a_method", tmp_path, package=wheel)
    (free,) = folder.glob("outputs/single/*price=0*")
    (direct,) = folder.glob("outputs/single/*method=direct*")
    assert numbers_of(free) == numbers_of(direct)
    assert len(numbers_of(free)) > 3


@pytest.mark.guides
def test_add_a_sweep(wheel, tmp_path):
    folder = follow("add_a_sweep", tmp_path, package=wheel)
    assert "fatigue_or_recovery" in (folder / "docs" / "results" / "README.md").read_text()
    assert (folder / "docs" / "results" / "fatigue_or_recovery.md").is_file()


@pytest.mark.guides
def test_bring_your_data(wheel, tmp_path):
    folder = follow("bring_your_data", tmp_path, package=wheel)
    for made in tmp_path.glob("outputs/single/*leaves*"):
        leaves = result_of(made)
        assert leaves["data"]["class_names"] == ["ash", "beech", "larch", "oak"]
        assert leaves["metrics"]["test/acc"] > 0.9
    assert len(list(tmp_path.glob("outputs/single/*leaves*"))) == 2
    line = "snnx dataset=my_images trainer.max_epochs=3"
    (folder / "make_images.py").write_text((folder / "make_images.py").read_text().replace("default_rng(0)", "default_rng(1)"))
    run("python make_images.py", folder)
    done = run(line, folder)
    assert f"out of date because {folder / 'data' / 'my_images.npz'} changed" in done.stdout + done.stderr
    (folder / "data" / "my_images.npz").unlink()
    done = run(f"{line} seed=1", folder)
    assert "write it with: python make_images.py" in done.stdout + done.stderr
