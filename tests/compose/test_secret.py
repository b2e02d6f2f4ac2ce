"""Fault 19: no secret gets into a configuration, a log, a job's file, W&B's files, a report or a dashboard."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import wandb
import warm
from composing import composed
from finished import TINY, result_of
from own_folder import write
from rich.console import Console

from hydra_plugins.snnx_plan import PlanLauncher
from snnx.audit.audit import _finding
from snnx.command import main
from snnx.compose.check import check
from snnx.compose.complaint import COMPLAINTS
from snnx.dashboard.workspace import save_workspace
from snnx.logger.views import views_of
from snnx.logger.wandb import _open
from snnx.options.sweepfile import sweep_named
from snnx.record.masked import masked
from snnx.run.execute import execute
from snnx.sweep.display import Display
from snnx.sweep.result_watcher import ResultWatcher
from snnx.sweep.unmeasured import Unmeasured

ROOT = Path(__file__).parents[2]
SENTINEL = "5e17b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7"  # as long as a W&B API key


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("logger.wandb.project=${oc.env:SNNX_PLACE}", "logger.wandb.project"),
        (f"logger.wandb.project=mine-{SENTINEL}", "logger.wandb.project"),
        ("dataset.root=/data/${oc.env:SNNX_PLACE}/digits", "dataset.root"),
        ("backbone.channels=[4,${oc.env:SNNX_PLACE}]", "backbone.channels"),
    ],
)
def test_a_secret_in_the_configuration_is_rejected(override, key, monkeypatch):
    """A variable without the name of a secret has the value of one."""
    for name in ("A_TOKEN", "SNNX_PLACE"):
        monkeypatch.setenv(name, SENTINEL)
    job = composed("logger=wandb", "dataset=mnist", override)
    with pytest.raises(
        ValueError,
        match=f"^{key} must not contain a secret, because it is written to files; got the value of the environment variable "
        "A_TOKEN: leave it in the environment",
    ):
        check(job)


@pytest.mark.parametrize("name", ["SNNX_API_KEY", "SNNX_TOKEN", "SNNX_TOKEN_2", "SNNX_password", "SNNX_PGPASSWORD"])
def test_a_configuration_cannot_read_a_secret(name, monkeypatch):
    monkeypatch.setenv(name, SENTINEL)
    rule = "not name a secret, because a configuration is written to files"
    with pytest.raises(COMPLAINTS, match=f"oc.env must {rule}; got {name}: leave it in the environment") as error:
        check(composed("logger=wandb", f"logger.wandb.project=${{oc.env:{name}}}"))
    assert SENTINEL not in str(error.value)


@pytest.mark.parametrize("name", ["PGPASSWORD", "GITHUBTOKEN", "clientsecret", "SSHPASSPHRASE", "MYAPIKEY", "GPG_KEYS", "KEY"])
def test_a_word_before_the_name_of_a_secret_needs_no_underscore(name, monkeypatch):
    monkeypatch.setenv(name, SENTINEL)
    assert masked(f"refused {SENTINEL}") == f"refused <the value of {name}>"


@pytest.mark.parametrize("name", ["MONKEY", "TOKENIZERS_PARALLELISM", "SECRETARY", "KEYBOARD"])
def test_a_name_that_only_contains_such_a_word_is_no_secret(name, monkeypatch):
    monkeypatch.setenv(name, SENTINEL)
    assert masked(SENTINEL) == SENTINEL


READING = {
    "a component": ["neuron.tau=${oc.env:NAME}"],
    "the run": ["timesteps=${oc.env:NAME}"],
    "an option": ["neuron=${oc.env:NAME}"],
    "a list": ["backbone.channels=[${oc.env:NAME}]"],
    "a sweep": ["-m", "seed=0,1", "trainer.max_epochs=${oc.env:NAME}"],
    "a recipe": ["recipe=received"],
}
TYPED = {
    "a setting": [f"timesteps={SENTINEL}"],
    "a word": [SENTINEL],
    "a sweep": ["report", SENTINEL],
    "an option": ["status", f"--{SENTINEL}"],
    "an option of Hydra": [f"--{SENTINEL}"],
    "a network": ["show", f"neuron={SENTINEL}"],
    "a file": ["evaluate", f"checkpoint={SENTINEL}"],
    "a record": ["replay", SENTINEL],
}


@pytest.fixture
def refused(empty, monkeypatch, capsys):
    """Run a command that must be refused in one line, and require that the line does not repeat the secret."""

    def run(words: list[str]) -> str:
        monkeypatch.setenv("SNNX_TOKEN", SENTINEL)
        monkeypatch.setattr(sys, "argv", ["snnx", *words])
        try:
            code = main.main()
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        assert (code, len(err.splitlines())) == (2, 1), err
        assert SENTINEL not in out + err
        return err

    return run


@pytest.mark.parametrize("name", ["SNNX_TOKEN", "SNNX_PLACE"])
@pytest.mark.parametrize("words", READING.values(), ids=READING)
def test_no_refusal_repeats_a_secret_that_a_configuration_reads(words, name, refused, empty, monkeypatch):
    """A variable without the name of a secret, which may be read, has the same value."""
    write(empty, "conf/recipe/received.yaml", f"# @package _global_\ntimesteps: ${{oc.env:{name}}}\n")
    monkeypatch.setenv("SNNX_PLACE", SENTINEL)
    assert "SNNX_TOKEN" in refused([word.replace("NAME", name) for word in words])


@pytest.mark.parametrize("words", TYPED.values(), ids=TYPED)
def test_no_refusal_repeats_a_secret_that_was_typed(words, refused):
    assert "SNNX_TOKEN" in refused(words)


def test_the_error_of_a_run_does_not_repeat_a_secret(tmp_path, monkeypatch):
    """Somebody's own component, or a library, may have read it from the environment."""
    monkeypatch.setenv("A_TOKEN", SENTINEL)

    monkeypatch.setattr("snnx.run.execute.build_method", leak)
    job = replace(composed(*TINY), outputs=str(tmp_path))
    assert execute(job)["error"]["message"].endswith("the server refused the token <the value of A_TOKEN>")
    for path in job.folder.rglob("*"):
        assert path.is_dir() or SENTINEL.encode() not in path.read_bytes(), path


def leak(*_: object, **__: object) -> None:
    raise RuntimeError(f"the server refused the token {SENTINEL}")


def test_nor_does_that_of_a_logger_a_check_or_an_engine(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("A_TOKEN", SENTINEL)
    job = replace(composed(*TINY), outputs=str(tmp_path))
    with views_of(job, {"mine": leak}):
        pass
    assert "the token <the value of A_TOKEN>" in capsys.readouterr().err
    assert _finding(leak).text == "RuntimeError: the server refused the token <the value of A_TOKEN>"
    (outcome,) = ResultWatcher(Display([job]), [job]).outcomes(f"the server refused the token {SENTINEL}")
    assert outcome["error"]["message"] == "wrote no result; the server refused the token <the value of A_TOKEN>"


def test_nor_does_that_of_wandb(monkeypatch, tmp_path, capsys):
    def opened(mode: str) -> str:
        if mode == "online":
            raise wandb.errors.CommError(f"the server refused the key {SENTINEL}")
        return mode

    monkeypatch.setenv("WANDB_API_KEY", SENTINEL)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # then nobody asks whether the server can be reached
    assert _open(opened, "online") == "offline"
    assert "the server refused the key <the value of WANDB_API_KEY>" in capsys.readouterr().err
    monkeypatch.setattr("snnx.dashboard.workspace.find_spec", lambda name: name)  # as if wandb-workspaces were installed
    monkeypatch.setattr(wandb, "Api", leak)
    (tmp_path / "demo_neurons" / "LIF" / "wandb").mkdir(parents=True)
    assert save_workspace(sweep_named("demo_neurons"), tmp_path).endswith("the token <the value of WANDB_API_KEY>")


def test_nor_does_that_of_a_network_that_cannot_be_measured(monkeypatch):
    monkeypatch.setenv("A_TOKEN", SENTINEL)
    monkeypatch.setattr(sys.modules[PlanLauncher.__module__], "_measured", leak)
    job = composed(*TINY)
    with ThreadPoolExecutor(1) as executor:
        found, _ = PlanLauncher(1, None, 0, "refuse")._measure(executor, [job], Unmeasured(None), Console())
    assert found[job.group] == "the server refused the token <the value of A_TOKEN>"


def test_nor_does_a_replay(empty, monkeypatch, capsys):
    monkeypatch.setenv("A_TOKEN", SENTINEL)
    monkeypatch.setenv("SNNX_PLACE", SENTINEL)
    line = result_of(composed("seed=0"), overrides=["timesteps=${oc.env:SNNX_PLACE}"], physics={}, sweep="demo_neurons")
    write(empty, "docs/results/demo_neurons/runs.jsonl", json.dumps(line) + "\n")
    monkeypatch.setattr(sys, "argv", ["snnx", "replay", "demo_neurons"])
    assert main.main() == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "<the value of A_TOKEN>" in out
    assert SENTINEL not in out


def test_a_secret_that_begins_with_another_one_is_hidden_as_a_whole(monkeypatch):
    monkeypatch.setenv("A_KEY", "abcdefgh")
    monkeypatch.setenv("B_KEY", "abcdefgh  ijk")
    assert masked("got abcdefgh  ijk, abcdefgh ijk, abcdefgh") == (
        "got <the value of B_KEY>, <the value of B_KEY>, <the value of A_KEY>"
    )


def test_values_that_are_not_secret_are_accepted(monkeypatch):
    monkeypatch.setenv("SNNX_TOKEN", "mnist")  # too short to count as a secret
    monkeypatch.setenv("SNNX_PROJECT", "my-project-of-this-year")
    check(composed("logger=wandb", "logger.wandb.project=${oc.env:SNNX_PROJECT}"))


@pytest.mark.slow
def test_a_sweep_writes_no_secret_to_any_file(tmp_path):
    """The environment and netrc contain secrets; after each command has run, all files that were written are searched.

    The commands are a sweep, a sweep whose runs diverge, the report, the dashboard, and an upload that fails.
    """
    home = tmp_path / "home"
    home.mkdir()
    (home / "netrc").write_text(f"machine 127.0.0.1 login user password {SENTINEL}netrc\n")
    (home / "netrc").chmod(0o600)
    environment = {
        "HOME": str(home), "NETRC": str(home / "netrc"),
        "WANDB_API_KEY": f"{SENTINEL}key", "ARBITRARY": f"{SENTINEL}any", "WANDB_BASE_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    launcher = ["hydra/launcher=snnx_joblib"] if find_spec("hydra_plugins.hydra_joblib_launcher") else []  # writes job files
    quick = ["scale=smoke", "trainer.max_epochs=1", "timesteps=2", "trainer.accelerator=cpu", "logger=[wandb,tensorboard]"]

    def snnx(*words: str) -> int:
        done = warm.python(["-m", "snnx", *words], tmp_path, ROOT, **environment)
        with (tmp_path / "output.log").open("a", encoding="utf-8") as log:
            log.write(done.stdout + done.stderr)
        return done.returncode

    sweep = ["-m", "sweep=demo_neurons", "row=PLIF,LIF", "seed=0"]
    assert snnx(*sweep, *quick, *launcher) == 0
    assert snnx(*sweep, *quick, "optimizer=sgd", "optimizer.lr=1e30", "budget.samples=0.5") == 1
    assert [snnx(word, "demo_neurons") for word in ("report", "dashboard", "sync")] == [0, 0, 1]

    typed = f"logger.wandb.project={SENTINEL}key"
    assert snnx(*sweep, *quick, typed) == snnx("wandb-sweep", "demo_neurons", typed) == 2, (
        "must be rejected before it is written"
    )

    files = [path for path in tmp_path.rglob("*") if path.is_file() and path != home / "netrc"]
    names = {path.name for path in files}
    assert {"config.yaml", "result.json", "metrics.csv", "dashboard.html", "report.html", "output.log"} <= names
    assert any(name.endswith(".wandb") for name in names)
    assert any(name.endswith(".ckpt") for name in names)
    if launcher:
        assert list(tmp_path.glob("outputs/.sweep/jobs/*.json"))
    for path in files:
        data = path.read_bytes()
        assert SENTINEL.encode() not in data, path
        assert SENTINEL not in path.name
