"""`snnx new`: the folder that it writes, and every command run in it."""

import json
import re
import shlex
import subprocess
import sys

import pytest
import yaml
from command_lines import ROOT, snnx

from snnx.command.new import TEMPLATES, main


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A new folder in which a sweep has run; as for the installed command, the current folder is not on Python's path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONSAFEPATH", "1")
        top = tmp_path_factory.mktemp("new")
        new = snnx(top, "new", "mylab2")
        assert new.returncode == 0, new.stderr
        done = snnx(top / "mylab2", "-m", "sweep=mylab2_tiring", "seed=0,1", "scale=smoke", "hydra.launcher.n_jobs=2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "4/4" in done.stdout
        yield top / "mylab2"


MISTAKES = {
    "Lab": "NAME must consist of small letters, digits and _, and must not be a keyword of Python; got Lab",
    "a-b": "NAME must consist of small letters, digits and _, and must not be a keyword of Python; got a-b",
    "../lab": r"NAME must consist of small letters, digits and _, and must not be a keyword of Python; got \.\./lab",
    "class": "NAME must consist of small letters, digits and _, and must not be a keyword of Python; got class",
    "json": "NAME must not be the name of an installed package or of a module of Python; got json",
    "torch": "NAME must not be the name of an installed package or of a module of Python; got torch",
    "tests": "NAME must not be the name of a folder inside it; got tests",
    "taken": "NAME must be the name of a new folder; got taken, which exists",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_names_that_are_rejected(name, empty, capsys):
    (empty / "taken").mkdir()
    (empty / "taken" / "README.md").write_text("mine")
    assert main([name]) == 2
    assert re.fullmatch(f"snnx new: {MISTAKES[name]}\n", capsys.readouterr().err)
    assert [path.name for path in empty.rglob("*")] == ["taken", "README.md"]
    assert (empty / "taken" / "README.md").read_text() == "mine"


def test_works_in_a_folder_whose_conf_snnx_would_reject(empty, capsys):
    (empty / "conf").mkdir()
    (empty / "conf" / "config.yaml").write_text("another: program\n")
    assert snnx(empty, "new", "mylab2").returncode == 0


def test_files_that_are_written(empty, capsys):
    assert main(["mylab2"]) == 0
    files = {str(path.relative_to(empty / "mylab2")) for path in (empty / "mylab2").rglob("*") if path.is_file()}
    assert files == {
        "pyproject.toml", "README.md", ".gitignore", ".github/workflows/test.yml", "mylab2/__init__.py", "mylab2/tiring.py",
        "conf/neuron/tiring.yaml", "sweeps/mylab2_tiring.yaml", "tests/test_tiring.py",
    }  # fmt: skip
    assert len(files) == len(list(TEMPLATES.rglob("*.template")))
    assert not [name for name in files if re.search(r"mylab\b", (empty / "mylab2" / name).read_text())]
    workflow = yaml.safe_load((empty / "mylab2" / ".github/workflows/test.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    assert steps[-2:] == ["python -m pytest", "snnx -m sweep=mylab2_tiring scale=smoke"]
    printed = capsys.readouterr().out
    readme = re.search(r"```sh\n(.*?)```", (empty / "mylab2" / "README.md").read_text(), re.DOTALL)[1]
    assert {shlex.join(shlex.split(line, comments=True)) for line in readme.splitlines()} <= set(printed.split("\n  "))


PIP = "pip install --extra-index-url https://download.pytorch.org/whl/cpu"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ORIGINS = {
    "index": (None, None),
    "editable": ({"url": "file:///home/me/snnx", "dir_info": {"editable": True}}, f"{PIP} 'snnx @ COMPLETE_THIS_LINE'"),
    "wheel": ({"url": "file:///home/me/snnx-0.1.0-py3-none-any.whl"}, f"{PIP} 'snnx @ COMPLETE_THIS_LINE'"),
    "damaged": ([], f"{PIP} 'snnx @ COMPLETE_THIS_LINE'"),
    "repository": (
        {"url": "https://example.org/snnx.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        f"{PIP} 'snnx @ git+https://example.org/snnx.git@{COMMIT}'",
    ),
    "web": ({"url": "https://example.org/snnx.whl", "archive_info": {}}, f"{PIP} 'snnx @ https://example.org/snnx.whl'"),
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_ci_installs_snnx_from_where_it_was_installed_here(empty, monkeypatch, capsys, origin):
    """The test writes what pip writes about an installed package."""
    url, expected = ORIGINS[origin]
    facts = empty / "site" / "snnx-0.1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: snnx\nVersion: 0.1.0\n")
    if url is not None:
        (facts / "direct_url.json").write_text(json.dumps(url))
    monkeypatch.syspath_prepend(empty / "site")
    assert main(["mylab2"]) == 0
    text = (empty / "mylab2" / ".github/workflows/test.yml").read_text()
    steps = [step["run"] for step in yaml.safe_load(text)["jobs"]["test"]["steps"] if "run" in step]
    assert steps[:-2] == [*([expected] if expected else []), f"{PIP} --editable '.[test]'"]
    explained = "# snnx was installed here from a folder or file that CI does not have." in text
    assert explained == ("COMPLETE_THIS_LINE" in (expected or ""))
    assert "/home/me" not in text


@pytest.mark.slow
def test_running_the_sweep_again_executes_no_run_twice(lab):
    before = {path: path.stat().st_mtime_ns for path in lab.glob("outputs/runs/*/result.json")}
    assert snnx(lab, "-m", "sweep=mylab2_tiring", "seed=0,1", "scale=smoke").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in lab.glob("outputs/runs/*/result.json")} == before
    assert len(before) == 4


@pytest.mark.slow
def test_a_single_run_without_result_is_resumed(lab):
    words = ["neuron=tiring", "scale=smoke", "trainer.max_epochs=30"]
    assert snnx(lab, *words).returncode == 0
    (folder,) = lab.glob("outputs/single/seed=0,neuron=tiring,*")
    first = json.loads((folder / "result.json").read_text())
    (folder / "result.json").unlink()
    assert snnx(lab, *words).returncode == 0
    again = json.loads((folder / "result.json").read_text())
    assert again["resumed"]
    assert again["metrics"] == first["metrics"]


@pytest.mark.slow
def test_plan_status_report_record_and_dashboard(lab):
    plan = snnx(lab, "plan", "-m", "sweep=mylab2_tiring", "scale=smoke")
    assert plan.returncode == 0, plan.stderr
    assert snnx(lab, "status", "mylab2_tiring").stdout.count("✓") == 4
    report = snnx(lab, "report", "mylab2_tiring", "--record")
    assert report.returncode == 0, report.stderr
    assert "Tiring < LIF" in report.stdout
    assert "# " in (lab / "docs" / "results" / "mylab2_tiring.md").read_text()
    assert snnx(lab, "results").returncode == 0
    page = (lab / "docs" / "results" / "README.md").read_text()
    assert "mylab2_tiring" in page
    assert "dtst" not in page.partition("Scale `paper`")[2], "sweeps of snnx that were not run here must not be listed"
    assert snnx(lab, "dashboard", "mylab2_tiring").returncode == 0
    assert "Tiring" in (lab / "outputs" / "mylab2_tiring" / "dashboard.html").read_text()
    done = snnx(lab, "-m", "sweep=mylab2_tiring", "seed=0,1", "scale=smoke", "recorded=true")
    assert done.returncode == 0, done.stderr
    replayed = snnx(lab, "replay", "mylab2_tiring")
    assert replayed.returncode == 0, replayed.stderr
    assert "[confirmed] Tiring seed=0 smoke: " in replayed.stdout


@pytest.mark.slow
def test_evaluate_and_export(lab):
    (run,) = lab.glob("outputs/mylab2_tiring/Tiring,seed=0*")
    tested = snnx(lab, "evaluate", f"checkpoint={run}", "metric=[spiking_percent]")
    assert tested.returncode == 0, tested.stderr
    assert "test/spiking_percent" in tested.stdout
    exported = snnx(lab, "export", f"checkpoint={run}", "to=weights.safetensors")
    assert exported.returncode == 0, exported.stderr
    assert (lab / "weights.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_a_run_with_foreign_classes_is_not_opened_in_another_folder(lab, tmp_path, command):
    """The other folder does not list the run's package as trusted; the message says how to do that."""
    (run,) = lab.glob("outputs/mylab2_tiring/Tiring,seed=0*")
    done = snnx(tmp_path, command, f"checkpoint={run}")
    assert done.returncode == 2, done.stdout
    assert "neuron._target_ must be in one of snnx.neuron, " in done.stderr
    assert "got mylab2.tiring.Tiring: list your own package under [tool.snnx]" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_wandb_sweep_and_the_run_of_an_agent(lab, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("NETRC", str(lab / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert snnx(lab, "wandb-sweep", "mylab2_tiring", "scale=smoke").returncode == 0
    made = yaml.safe_load((lab / "outputs" / "mylab2_tiring" / "wandb.yaml").read_text())
    assert made["parameters"] == {"row": {"values": ["LIF", "Tiring"]}, "seed": {"values": [0, 1, 2]}}
    words = [word for word in made["command"] if not word.startswith("${")]
    assert "logger=wandb" in words
    done = snnx(lab, *words, "row=Tiring", "seed=2")
    assert done.returncode == 0, done.stderr
    (run,) = lab.glob("outputs/mylab2_tiring/Tiring,seed=2*")
    assert list(run.glob("wandb/*/run-*.wandb"))
    assert "no W&B API key is known" in snnx(lab, "sync", "mylab2_tiring").stderr


@pytest.mark.slow
def test_after_installation_its_options_can_be_used_in_every_folder(lab, tmp_path):
    """The test builds the wheel, unpacks it as pip would, and runs commands in an empty folder."""
    script = f"import hatchling.build as b, os; os.chdir({str(lab)!r}); print(b.build_wheel({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, tmp_path / "site"], check=True)
    (tmp_path / "empty").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("command_lines.ROOT", f"{ROOT}:{tmp_path / 'site'}")
        assert "neuron=tiring, sweep=mylab2_tiring" in snnx(tmp_path / "empty", "--help").stdout
        done = snnx(tmp_path / "empty", "-m", "sweep=mylab2_tiring", "row=Tiring", "seed=0", "scale=smoke")
        assert done.returncode == 0, done.stderr
        assert f"From {lab}: neuron=tiring, sweep=mylab2_tiring" in snnx(lab, "--help").stdout
