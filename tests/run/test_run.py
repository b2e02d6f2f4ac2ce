"""Executing one run: it is repeatable bit for bit, its result is complete, and failures are recorded."""

import csv
import json
from dataclasses import replace

import pytest
import torch
import yaml
from composing import composed
from omegaconf import OmegaConf

from snnx.record import result_file, run_folder
from snnx.record.identity import run_id
from snnx.record.summary import summary
from snnx.record.write import write
from snnx.run.execute import execute

QUICK = ("timesteps=2", "trainer.max_epochs=2", "budget.samples=0.2", "trainer.accelerator=cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The job of one finished run, and its result."""
    outputs = tmp_path_factory.mktemp("outputs")
    job = replace(composed("neuron=plif", "encoding=rate", "augmentation=crop_flip", "seed=3", *QUICK), outputs=str(outputs))
    return job, execute(job)


def test_contents_of_the_result(run):
    job, result = run
    assert result["status"] == "done"
    assert result["error"] is None
    assert (result["seed"], result["hash"], result["scale"]) == (3, job.folder.name, "paper, budget.samples=0.2")
    assert {"val/acc", "val/acc_best", "best_epoch", "test/acc", "test/acc_best", "test/firing_rate"} <= set(result["metrics"])
    assert result["data"]["name"] == "digits"
    assert result["data"]["train"] > result["data"]["val"] > 0
    assert all(result["paths"][phase] for phase in ("train", "test"))
    assert result["built"]["layers"]["stages.sn1"] == "neuron"
    assert set(result["built"]["implementation"].values()) == {"numba"}
    assert 0 < result["fit_s"] < result["wall_s"]
    assert result["formulas"] == {}, "firing rates have no formula"
    assert result["parameters"] == 6140  # 6138 weights, and a time constant in each of two neuron layers
    assert result["versions"]["torch"] == torch.__version__.split("+")[0] or result["versions"]["torch"] == torch.__version__
    assert json.loads((job.folder / "result.json").read_text()) == json.loads(result_file.to_json(result))


def test_energies_are_recorded_with_their_formulas(tmp_path):
    words = ("neuron=relu", "metric=[energy]", *QUICK, "timesteps=1", "trainer.max_epochs=0")
    result = execute(replace(composed(*words), outputs=str(tmp_path)))
    assert result["fit_s"] == 0.0
    assert result["formulas"]["test/energy_45nm_uj"].startswith("(4.6 pJ * macs + 0.9 pJ * synops) / 1e6")
    assert set(result["formulas"]) <= set(result["metrics"]), "only metrics in the result may have a formula"
    assert "test/energy_synops" not in result["metrics"]


def test_curves_are_those_of_metrics_csv(run):
    job, result = run
    with open(job.folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    for key in ("train/loss", "train/acc", "val/loss", "val/acc"):
        assert [float(row[key]) for row in rows] == result["curves"][key]
    assert result["metrics"]["val/acc"] == result["curves"]["val/acc"][-1]
    assert result["metrics"]["val/acc_best"] == max(result["curves"]["val/acc"])


def test_layers_are_those_of_layers_csv(run):
    job, result = run
    with open(job.folder / "layers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert float(row["value"]) == result["layers"][row["metric"]][row["sample"]][row["layer"]][int(row["step"])]
    assert {row["sample"] for row in rows} == {"test", "correct", "wrong"}
    assert len(rows) == 3 * 2 * 2  # samples, layers, steps


def test_folder_has_a_readable_link_and_no_temporary_files(run):
    job, _ = run
    assert job.link.is_symlink()
    assert job.link.resolve() == job.folder.resolve()
    assert job.link.name.startswith("seed=3,neuron=plif,encoding=rate,augmentation=crop_flip,timesteps=2")
    assert {path.name for path in job.folder.iterdir()} == {
        ".lock",
        "config.yaml",
        "inputs.json",
        "metrics.csv",
        "layers.csv",
        "ckpt",
        "result.json",
    }
    frozen = yaml.safe_load((job.folder / "config.yaml").read_text())
    assert frozen["neuron"]["_target_"] == "snnx.neuron.plif.PLIF"
    assert "${" not in (job.folder / "config.yaml").read_text()


def test_checkpoints_can_be_loaded_with_weights_only(run):
    job, _ = run
    for name in ("best.ckpt", "last.ckpt"):
        state = torch.load(job.folder / "ckpt" / name, weights_only=True)
        assert "backbone.out.weight" in state["state_dict"]


def test_executing_a_run_twice_is_bitwise_identical(run, tmp_path):
    job, result = run
    again = execute(replace(job, outputs=str(tmp_path)))
    for part in ("metrics", "curves", "layers", "samples", "data"):
        assert again[part] == result[part]
    first, second = (torch.load(f / "ckpt" / "last.ckpt", weights_only=True) for f in (job.folder, tmp_path / "runs" / job.id))
    assert all(torch.equal(first["state_dict"][key], second["state_dict"][key]) for key in first["state_dict"])


def test_seed_0_is_repeatable_and_differs_from_seed_1(tmp_path):
    job = replace(composed("seed=0", *QUICK, "trainer.max_epochs=1"), outputs=str(tmp_path / "a"))
    first, second = execute(job), execute(replace(job, outputs=str(tmp_path / "b")))
    other = execute(replace(composed("seed=1", *QUICK, "trainer.max_epochs=1"), outputs=str(tmp_path / "a")))
    assert first["curves"] == second["curves"] != other["curves"]
    assert first["group"] == other["group"]
    assert first["hash"] != other["hash"]


def test_done_runs_are_not_executed_again(run):
    job, result = run
    stamp = (job.folder / "result.json").stat().st_mtime_ns
    assert execute(job)["wall_s"] == result["wall_s"]
    assert (job.folder / "result.json").stat().st_mtime_ns == stamp


def test_a_run_whose_lock_another_process_holds_is_busy(run):
    job, _ = run
    with run_folder.hold(job.folder), pytest.raises(run_folder.Busy, match=r"is being computed by process \d+ on "):
        execute(job)


def test_diverged_runs_and_missing_data_have_a_result(tmp_path):
    job = composed("optimizer.lr=1e30", *QUICK)
    diverged = execute(replace(job, outputs=str(tmp_path)))
    assert diverged["status"] == "diverged"
    assert "loss must stay finite; got nan" in diverged["error"]["message"]
    job = composed("dataset=mnist", f"dataset.root={tmp_path}", *QUICK)
    missing = execute(replace(job, outputs=str(tmp_path)))
    assert missing["status"] == "no data"
    assert missing["error"]["traceback"].startswith("Traceback")


def test_identity_depends_only_on_what_affects_the_numbers():
    base = composed("neuron=lif")
    assert composed("neuron=lif", "dataset=digits", "logger=wandb", "trainer.accelerator=cpu", "force=true").id == base.id
    assert composed("neuron=lif", "neuron.tau=2.50").id == base.id
    assert composed("neuron=lif", "+trainer.strategy=auto").id == base.id
    assert composed("neuron=lif", "logger=wandb", "logger.wandb.project=x").name == base.name
    for change in ("neuron.tau=3", "seed=1", "timesteps=5", "scale=small", "budget.epochs=0.5", "trainer.devices=2"):
        assert composed("neuron=lif", change).id != base.id
    assert composed("seed=1").group == composed("seed=2").group


def test_long_link_names_are_cut_and_stay_distinct():
    many = [f"+optimizer.a{i}=0" for i in range(60)]
    first, second = composed(*many, "seed=1"), composed(*many, "seed=2")
    assert len(first.name.encode()) <= 200
    assert first.name.removeprefix("seed=1") == second.name.removeprefix("seed=2"), "seeds must give the same name otherwise"
    assert composed(*many, "+optimizer.b=1").name != composed(*many, "+optimizer.b=2").name
    names = {composed(f"method.watch={pattern}").name for pattern in ("a/b", "a_b", "a*b")}
    assert len(names) == 3
    assert not any("/" in name for name in names)


def test_samples_are_indices_in_the_whole_test_set(run):
    """With a fifth of the samples, the n-th tested image is not the n-th image of the file, whose index must be recorded."""
    from snnx.run.build import build_data, build_method

    job, result = run
    data = build_data(job.config)
    data.setup()
    method = build_method(job.config, data)
    state = torch.load(job.folder / "ckpt" / "last.ckpt", weights_only=True)["state_dict"]
    method.load_state_dict(state)
    method.eval()
    method.encoding.begin_evaluation()
    positions = {int(index): position for position, index in enumerate(data.test_index)}
    images, labels = data._parts["test"]
    with torch.no_grad():
        right = (
            torch.cat([method(x.float() / 255) for x in images.split(job.config["dataset"]["batch_size"])]).argmax(1) == labels
        )
    assert len(positions) < 297
    for kind, expected in (("correct", True), ("wrong", False)):
        position = positions[result["samples"][kind]]
        assert bool(right[position]) is expected
        assert not (right[:position] == expected).any(), "it must be the first such sample in the test set"


def test_with_recorded_true_recorded_runs_count_as_done(run, tmp_path, monkeypatch):
    job, result = run
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "docs" / "results" / "demo_neurons" / "runs.jsonl"
    write(record, result_file.to_json({**result, "row": job.row}) + "\n")
    elsewhere = replace(job, outputs=str(tmp_path / "outputs"), sweep="demo_neurons", config={**job.config, "recorded": True})
    found = execute(elsewhere)
    assert found["wall_s"] == result["wall_s"]
    assert summary(found).endswith("recorded, computed by the present code")
    write(record, result_file.to_json({**result, "row": job.row, "code": "0123456789abcdef"}) + "\n")
    assert summary(execute(elsewhere)).endswith("recorded, computed by other code, not confirmed")
    assert not (elsewhere.folder / "result.json").exists()


def test_a_group_that_is_null_is_not_part_of_the_identity():
    """So older runs keep their identity when a new optional group, such as `init`, is added to snnx."""
    config = {"timesteps": 4, "seed": 0, "dataset": {"root": "x"}, "trainer": {"devices": 1}}
    assert run_id(OmegaConf.create({**config, "stage": None})) == run_id(OmegaConf.create(config))
    assert run_id(OmegaConf.create({**config, "stage": {"a": None}})) != run_id(OmegaConf.create(config))
    assert composed("init=kaiming").id != composed("init=ettfs").id != composed().id
