"""The command `snnx`: its output and exit codes, and one line for every mistake before anything is trained."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import warm
from composing import composed

from snnx.command import hydra_app, main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def snnx(empty, monkeypatch, capsys):
    """Run the command in this process, in an empty folder; returns exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["snnx", *words])
        try:
            code = main.main()
        except SystemExit as exit:
            code = exit.code
        return code, *capsys.readouterr()

    return run


MISTAKES = {
    "unknown option": (["neuron=lff"], "neuron must be one of .*, if, .*, lif, .*.*; got lff; did you mean lif"),
    "unknown group": (
        ["neurone=lif"],
        r"neurone must be a key.*; got neurone=lif; did you mean neuron\?",
    ),
    "misspelled component key": (["neuron.taau=3"], r"neuron.taau must be a key.*; got neuron.taau=3; did you mean tau\?"),
    "misspelled top key": (["timestep=8"], r"timestep must be a key.*; got timestep=8; did you mean timesteps\?"),
    "a sweep's bare name": (["demo_neurons"], "an override must be key=value; got demo_neurons: write sweep=demo_neurons"),
    "added component key": (["+neuron.taau=3"], "neuron: LIF has no argument taau; it takes tau, decay_input, .*"),
    "epochs without their group": (["epochs=2"], r"epochs must be a key.*; got epochs=2; did you mean trainer\.max_epochs\?"),
    "a key in capital letters": (["LR=0.01"], r"LR must be a key.*; got LR=0\.01; did you mean optimizer\.lr\?"),
    "wrong type": (["timesteps=abc"], "timesteps must be of type integer; got abc"),
    "wrong type in a component": (["neuron.tau=abc"], "neuron.tau must be of type float; got abc"),
    "null where a number is needed": (["neuron.tau=null"], "neuron.tau must be of type float; got null"),
    "wrong type of a patch": (["backbone=vit", "backbone.patch=abc"], "backbone.patch must be of type int; got abc"),
    "wrong type of a batch": (["dataset.batch_size=2.5"], "dataset.batch_size must be of type int; got 2.5"),
    "wrong type of a rate": (["optimizer.lr=abc"], "optimizer.lr must be of type .*; got abc"),
    "warm-up out of range": (["scheduler.warmup=2"], r"Cosine: warmup must be a share of the steps in \[0, 1\); got 2"),
    "precision": (["trainer.precision=foo"], "foo"),
    "epochs": (["trainer.max_epochs=-1"], "trainer.max_epochs must be an integer of at least 0, .*; got -1"),
    "negative budget": (["budget.width=-1"], "budget.width must be a positive factor.*; got -1.0"),
    "negative seed": (["seed=-1"], "seed must be at least 0; got -1"),
    "no runs at once": (
        ["-m", "seed=0,1", "hydra.launcher.n_jobs=0"],
        "n_jobs must be at least 1, or null; got 0",
    ),
    "all cores as joblib writes it": (
        ["-m", "seed=0,1", "hydra.launcher.n_jobs=-1"],
        "must be at least 1, or null; got -1",
    ),
    "no time": (["-m", "seed=0,1", "hydra.launcher.timeout_s=0"], "hydra.launcher.timeout_s must be positive, or null; got 0"),
    "negative retries": (["-m", "seed=0,1", "hydra.launcher.retries=-1"], "hydra.launcher.retries must be at least 0; got -1"),
    "no steps": (["timesteps=0"], "timesteps must be at least 1; got 0"),
    "bad value": (["neuron.tau=1"], r"LIF: tau must be greater than 1 \(in time steps\) and finite; got 1"),
    "patch": (["backbone=vit", "backbone.patch=3"], "ViT: patch must divide the image's 8x8; got 3"),
    "window": (
        ["backbone=spikformer", "attention=[tasa]", "attention.temporal.window=5"],
        "TASA: window must be between 1 and timesteps = 4; got 5",
    ),
    "score table": (
        ["backbone=spikformer", "attention=[nsad]", "attention.denoiser.v_max=31"],
        "NSAD: v_max must be at least 32, the width of a head and so the largest score; got 31",
    ),
    "heads": (["backbone=spikformer", "backbone.heads=7"], "Spikformer: embed_dim must be a multiple of heads = 7; got 384"),
    "attention that the backbone does not use": (
        ["backbone=vit", "attention=[nsad]"],
        "attention must be null for a backbone that does not use a denoiser; got NSAD; choose backbone=spikformer",
    ),
    "too many stages": (["backbone.channels=[4,4,4,4]"], "ConvNet: channels must have at most 3 entries for 8x8, .*; got 4"),
    "no such layer": (["method.watch=block*"], "Recorder: layers must match one of stages.sn1, stages.sn2; got block"),
    "foreign target": (["neuron._target_=os.system"], "neuron.*_target_ must be in one of .*; got os.system"),
    "sweep without -m": (["sweep=demo_neurons"], "sweep=demo_neurons must run with -m, because it has rows"),
    "unknown sweep": (
        ["-m", "sweep=fig10"],
        r"sweep must be one of the \d+ that snnx --help lists; got fig10; did you mean dtst_fig10",
    ),
    "Python's None": (["neuron.v_reset=None"], r"neuron.v_reset must be of type float \| None; got None: write null"),
    "None in small letters": (["neuron.v_reset=none"], r"neuron.v_reset must be of .*; got none: write null"),
    "a GPU": (["gpu=1"], "gpu must be a key of .*; got gpu=1: for a GPU, write trainer.accelerator=gpu"),
    "a device": (["device=cuda"], "device must be a key of .*; got device=cuda: for a GPU, write trainer.accelerator=gpu"),
    "a negative rate": (["optimizer.lr=-1"], "optimizer.lr must be at least 0; got -1"),
    "a negative decay": (["optimizer.weight_decay=-1"], "optimizer: Invalid weight_decay value: -1"),
    "a pool of spike times": (
        ["method=ttfs", "norm=none"],
        "got stages.pool1.0, .* choose backbone=mlp, .*: with mlp or scnn leave out norm=, .* and set backbone.bias=false",
    ),
    "a backbone that cannot be converted": (
        ["method=conversion", "backbone=vit"],
        "or choose a backbone that can be converted, such as convnet, mlp, resnet or vgg",
    ),
    "configurations of a sweep": (
        ["-m", "sweep=demo_neurons", "--cfg", "job"],
        "--cfg must be used for a single run; got -m too: leave out -m and give row= and seed=",
    ),
    "unknown option of the command": (
        ["--seed", "1"],
        "an option must be one of -m, .*; got --seed: set keys with key=value",
    ),
    "a misspelled command": (["stauts", "demo_neurons"], "an override must be key=value; got stauts: .*; did you mean status"),
    "neither true nor false": (["force=yess"], "force must be of .*; got yess"),
    "the plan of a search": (
        ["plan", "hydra/sweeper=snnx_optuna"],
        "snnx plan needs a sweep or a grid; got a search",
    ),
    "a search of rows without a sweep file": (
        ["plan", "hydra/sweeper=snnx_tune"],
        "hydra/sweeper=snnx_tune needs a sweep whose file has the key tune; got sweep=null",
    ),
    "a search of rows that no sweep file allows": (
        ["plan", "sweep=demo_neurons", "hydra/sweeper=snnx_tune"],
        "hydra/sweeper=snnx_tune needs a sweep whose file has the key tune; got sweep=demo_neurons",
    ),
    "no number of machines": (["+trainer.num_nodes=0"], "trainer.num_nodes must be the number of machines, .*; got 0"),
    "a target that loads files": (
        ["optimizer._target_=torch.hub.load"],
        "optimizer._target_ must be in one of .*; got torch.hub",
    ),
    "a target behind a trusted one": (["neuron._target_=torch.nn.modules.module.os.system"], "must name a class or function"),
    "several sweeps": (
        ["-m", "sweep=demo_neurons,dtst_fig10_neurons"],
        "sweep must be a single sweep file, .*; got demo_neurons,dtst",
    ),
    "a key that the rows set": (
        ["-m", "sweep=demo_neurons", "neuron=if"],
        "neuron must not be set in sweep demo_neurons, whose rows set it; got neuron=: choose rows by row=",
    ),
    "unknown row": (["-m", "sweep=demo_neurons", "row=IF,GLIF"], "row must be one of IF, LIF, PLIF, KLIF in .*; got GLIF"),
    "row without sweep": (["row=IF"], "row must be a row of a sweep; got IF: give sweep= too"),
    "not an override": (["timesteps", "8"], "an override must be key=value; got timesteps"),
    "a path with = in it": (
        ["method=conversion", "method.checkpoint=outputs/single/seed=0,neuron=lif/ckpt/best.ckpt"],
        "a value that contains = must be quoted; got method.checkpoint=outputs/.*: write "
        "'method.checkpoint=\"outputs/single/seed=0,neuron=lif/ckpt/best.ckpt\"', with both",
    ),
    "several values without -m": (["neuron=if,lif"], "a single run must have one value per key; got neuron=if,lif: add -m"),
    "several options of a group that takes several": (
        ["metric=energy,firing_rate"],
        r"got metric=energy,firing_rate: write metric=\[energy,firing_rate\] for one run with all of them, or add -m",
    ),
    "key of no option, under a recipe": (
        ["recipe=dta_mnist", "init.timesteps=4"],
        "init.timesteps must be a key of init=kaiming, which has conv_gain, distribution, gain; got init.timesteps=4",
    ),
    "key of another option": (
        ["neuron=if", "neuron.tau=3"],
        "neuron.tau must be a key of neuron=if, which has detach_reset, v_reset, v_threshold; got neuron.tau=3",
    ),
    "an init that needs a threshold and a neuron without one": (
        ["neuron=relu", "init=ettfs"],
        "init.v_threshold must be set if the chosen neuron has no neuron.v_threshold, its default; got no value: choose",
    ),
    "an init that needs a threshold and no neuron": (
        ["recipe=dta_mnist", "init=ettfs"],
        "init.v_threshold must be set if the chosen neuron has no neuron.v_threshold",
    ),
    "the same in a sweep": (["-m", "neuron=ttfs,relu", "init=ettfs"], "init.v_threshold must be set if the chosen neuron"),
    "a space after a comma": (
        ["-m", "optimizer.lr=1e-3,", "1e-4"],
        "values must be separated by commas without spaces; got optimizer.lr=1e-3, 1e-4: write optimizer.lr=1e-3,1e-4",
    ),
    "a comma behind the last value": (
        ["-m", "optimizer.lr=1e-3,", "seed=0"],
        "values must be separated by commas, and none follows the last value; got optimizer.lr=1e-3,: remove the comma",
    ),
    "several values with a character that Hydra does not know": (
        ["-m", "dataset=cifar10", "dataset.root=~/a,~/b"],
        "a value with such characters must be quoted; got dataset.root=~/a,~/b: write 'dataset.root=\"~/a,~/b\"'",
    ),
    "a colon for an equals sign": (["neuron.tau:2"], "an override must be key=value; got neuron.tau:2"),
    "a power": (["optimizer.lr=10^-3"], r"optimizer.lr must be of type .*; got 10\^-3"),
    "no option": (["neuron="], r"neuron must be one of clif, .* \(the files in conf/neuron/\); got nothing$"),
    "a semicolon": (["neuron=lif;if"], r"neuron must be one of .*; got lif;if; did you mean lif\?"),
    "capital letters": (["neuron=LIF"], r"neuron must be one of .*; got LIF; did you mean lif\?"),
    "capital letters of a data set": (["dataset=MNIST"], r"got MNIST; did you mean mnist\?"),
    "a row in small letters": (
        ["-m", "sweep=demo_neurons", "row=lif"],
        r"row must be one of IF, LIF, PLIF, KLIF in .*; got lif; did you mean LIF\?",
    ),
    "a key without its group": (
        ["lr=0.01"],
        r"lr must be a key of the configuration; got lr=0.01; did you mean optimizer.lr\?",
    ),
    "a short key without its group": (["batch_size=32"], r"got batch_size=32; did you mean dataset.batch_size\?"),
    "an added key": (
        ["+timestep=8"],
        r"timestep must be a key of the configuration, also after \+; got \+timestep=8; did you mean timesteps\?",
    ),
    "an added key of a group": (["++max_epochs=2"], r"max_epochs must be a key of .*, also after \+; .* trainer.max_epochs\?"),
    "an added budget": (
        ["+budget.foo=1"],
        r"budget.foo must be a key of budget, which has epochs, samples, test_samples, width; got \+budget",
    ),
    "an added key of the sweep": (
        ["+sweep.paper=x"],
        r"sweep.paper must not be set on the command line, because sweep files set it; got \+sweep.paper=x",
    ),
    "an added key of a search": (["+search.trial=1"], "search.trial must not be set on .*, because a search sets it"),
    "a key of a metric that was not chosen": (
        ["+metric.energy.foo=1"],
        r"metric.energy must be an option that was chosen; got only foo: choose it too, as in metric=\[energy\]",
    ),
    "a value among metrics": (["+metric.foo=1"], r"metric.foo must be an option that was chosen; got only 1: choose it too"),
    "another folder for the results": (
        ["hydra.run.dir=/x"],
        "hydra.run.dir must not be set, because results are written to outputs/ in the current folder; got hydra.run.dir=/x",
    ),
    "another folder for a run": (["+hydra.job.chdir=true"], "hydra.job.chdir must not be set, because results are written to"),
    "mistake in one job": (["-m", "neuron=if,lif", "timesteps=4,0"], "timesteps must be at least 1; got 0"),
}


def test_an_accelerator_that_this_machine_lacks_is_reported_without_a_line_of_code(snnx):
    code, _, err = snnx("trainer.accelerator=mps")
    assert code == hydra_app.USAGE
    assert re.fullmatch(r"snnx: `MPSAccelerator` can not run on your system .*'cpu'\]\.\n", err)


def test_the_version_is_printed(snnx):
    code, out, _ = snnx("--version")
    assert (code, out) == (hydra_app.OK, f"snnx {version('snnx')}\n")


def test_r_resolves_the_printed_configuration(snnx):
    code, out, err = snnx("neuron=klif", "--cfg", "job", "-r", "timesteps=3")
    assert (code, err) == (hydra_app.OK, "")
    assert "snnx.neuron.klif.KLIF" in out
    assert "${" not in out


def test_a_terminal_that_does_not_know_a_character_ends_nothing(empty):
    """As with LC_ALL=zh_CN.GBK, which lacks the mark of a finished run."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "gbk"}
    words = ["-m", "seed=0,1", "scale=smoke", "trainer.accelerator=cpu"]
    done = subprocess.run([sys.executable, "-m", "snnx", *words], capture_output=True, env=env, cwd=empty, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? 2/2" in done.stdout
    status = subprocess.run(
        [sys.executable, "-m", "snnx", "status", "single"], capture_output=True, env=env, cwd=empty, check=False
    )
    assert (status.returncode, status.stderr) == (0, b"")


def test_names_between_colons_are_printed_as_they_are(snnx, tmp_path):
    code, out, _ = snnx("dataset=cifar10", f"dataset.root={tmp_path}/a:b:c:smile:", "trainer.max_epochs=1")
    assert code == hydra_app.FAILED
    assert "a:b:c:smile:" in " ".join(out.split())


def test_a_path_with_an_equals_sign_can_be_quoted():
    path = "outputs/single/seed=0,neuron=lif/ckpt/best.ckpt"
    assert composed("method=conversion", f'method.checkpoint="{path}"').config["method"]["checkpoint"] == path


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_end_in_one_line_before_training(snnx, empty, name):
    words, message = MISTAKES[name]
    code, out, err = snnx(*words)
    assert code == hydra_app.USAGE
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("snnx: ")
    assert re.search(message, lines[0]), lines[0]
    assert "Error executing" not in out
    assert "available" not in out + err, "Lightning's start-up messages must not be printed"
    assert not list(empty.glob("outputs/runs/*")), "no run folder may be created"


@pytest.mark.parametrize("words", [["report"], ["report", "fig10"], ["prepare", "mnits"], ["report", "demo_neurons", "--no"]])
def test_mistakes_in_other_commands_are_one_line_too(snnx, words):
    code, _, err = snnx(*words)
    assert code == hydra_app.USAGE
    assert len(err.strip().splitlines()) == 1, err


def test_a_bug_in_a_new_component_is_reported_with_file_and_line(empty):
    """The message ends with the file and line of the user's own Python code."""
    package = empty / "site"
    for folder in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / folder, package / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "snnx" / "neuron" / "mine.py").write_text(
        "from snnx.neuron.lif import LIF\n\n\nclass Mine(LIF):\n    def __init__(self):\n        self.gain = self.gian\n"
    )
    (package / "conf" / "neuron" / "mine.yaml").write_text("_target_: snnx.neuron.mine.Mine\n_partial_: true\n")
    done = warm.python(["-m", "snnx", "neuron=mine"], empty, package)
    assert done.returncode == hydra_app.USAGE
    assert re.search(r"AttributeError: .*gian.*\(.*\.py:\d+\)", done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_labels_beyond_the_number_of_classes(snnx, empty):
    """A run whose data set has an eleventh class fails with one line."""
    raw = empty / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 40), ("t10k", 10)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28)) + bytes(count * 784)
        )
        labels = bytes([i % 11 for i in range(count)])  # eleven classes
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + labels)
    code, out, err = snnx("dataset=mnist", "trainer.max_epochs=1")
    assert code == hydra_app.FAILED
    assert re.search("MNIST: train labels must .* 0..9; got 0 to 10", out)
    assert "Traceback" not in out + err
    (log,) = empty.glob("outputs/runs/*/run.log")
    assert err == f"  the traceback is in {log.relative_to(empty)}\n"
    assert log.read_text().startswith("Traceback")
    assert "got 0 to 10" in log.read_text()


def test_missing_data_names_path_layout_and_command(snnx, empty):
    code, out, _ = snnx("dataset=fashion_mnist", "trainer.max_epochs=1")
    assert code == hydra_app.FAILED
    flat = " ".join(out.split())
    assert "no data" in flat
    assert "FashionMNIST/raw" in flat
    assert "snnx prepare fashion_mnist" in flat


def test_help_lists_all_options_and_loads_no_large_library(snnx):
    code, out, _ = snnx("--help")
    assert code == hydra_app.OK
    for word in ("neuron", "klif", "latency_log", "dtst_fig10_neurons", "snnx report", "snnx prepare", "recipe"):
        assert word in out
    heavy = "torch hydra omegaconf matplotlib pytorch_lightning spikingjelly wandb tonic"
    script = (
        "import sys; sys.argv=['snnx','--help']; import snnx.command.main; snnx.command.main.main();"
        f"print(set('{heavy}'.split()) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip().endswith("set()")


@pytest.mark.parametrize("command", ["report", "prepare", "bench", "wandb-sweep", "show", "evaluate", "export", "audit"])
def test_help_of_each_command_has_an_example(snnx, command):
    code, out, _ = snnx(command, "--help")
    assert code in (0, None)
    assert f"snnx {command} " in out.partition("\n")[2]


def test_cfg_prints_the_pipeline_in_its_order(snnx):
    code, out, _ = snnx("neuron=if", "--cfg", "job", "--resolve")
    assert code == hydra_app.OK
    assert "snnx.neuron.if_.IF" in out
    order = [
        out.index(f"\n{group}:") for group in ("encoding", "surrogate", "neuron", "backbone", "decoding", "loss", "method")
    ]
    assert order == sorted(order)


def test_completion_suggests_the_rows_of_the_chosen_sweep(empty):
    env = {"COMP_LINE": "snnx sweep=demo_neurons row=", "COMP_POINT": "28", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "snnx", "-sc", "query=bash"],
        capture_output=True,
        text=True,
        env=env,
        cwd=empty,
        check=False,
    )
    assert {"row=IF", "row=LIF", "row=PLIF", "row=KLIF"} <= set(done.stdout.split()), done.stderr


@pytest.mark.parametrize("name", main.COMMANDS)
def test_a_misspelled_command_gets_a_suggestion(name, empty, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["snnx", f"{name}{name[-1]}"])
    assert main.main() == hydra_app.USAGE
    assert f"did you mean {name}?" in capsys.readouterr().err


def test_help_whose_reader_is_gone_is_no_error():
    """As in `snnx --help | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from snnx.command.main import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
