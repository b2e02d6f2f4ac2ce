"""The weights of a recorded run are kept with its record, are checked, and give the recorded number again."""

import json

import pytest
from finished import finished

from snnx.command import evaluate, export, prepare, report
from snnx.run.exported import read
from snnx.run.reopen import reopen

pytest.importorskip("safetensors", reason="the extra is not installed: pip install 'snnx[export]'")
SWEEP = (
    "# One neuron.\n#   snnx -m sweep=mine\n"
    "sweep: {paper: own, artifact: Accuracy, metric: test/acc}\nrows: {A: {set: [neuron=if, 'dataset.validation=0']}}\n"
)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of a record with weights, and the result of the run that they come from."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(SWEEP)
    _, result = finished(tmp_path / "outputs", "sweep=mine", "row=A", "metric=[]")
    record = tmp_path / "docs" / "results" / "mine"
    (link,) = (tmp_path / "outputs" / "mine").iterdir()
    assert export.main([f"checkpoint={link}", f"to={record / 'weights.safetensors'}"]) == 0
    assert report.main(["mine", "--record"]) == 0
    return record, result


def test_weights_give_the_recorded_number_again(kept, tmp_path, capsys):
    record, result = kept
    (line,) = map(json.loads, (record / "runs.jsonl").read_text().splitlines())
    assert f"snnx prepare weights mine, SHA-256 {line['weights']}" in (record.parent / "mine.md").read_text()
    capsys.readouterr()
    assert prepare.main(["weights", "mine"]) == 0
    accuracy = result["metrics"]["test/acc"]
    assert capsys.readouterr().out.splitlines() == [
        f"outputs/weights/mine.safetensors: A, seed 0, {line['scale']}; test/acc {accuracy}",
        "test it again: snnx evaluate checkpoint=outputs/weights/mine.safetensors",
    ]
    assert evaluate.main(["checkpoint=outputs/weights/mine.safetensors", "--json", "again.json"]) == 0
    again = json.loads((tmp_path / "again.json").read_text())["metrics"]
    assert [again[key] for key in ("test/acc", "test/loss")] == [result["metrics"][key] for key in ("test/acc", "test/loss")]


def test_facts_have_the_metrics_of_a_run_at_a_smaller_scale(tmp_path):
    folder, result = finished(
        tmp_path / "outputs", "metric=[]", "trainer.max_epochs=10", "budget.epochs=0.2", "dataset.validation=0"
    )
    to = tmp_path / "weights.safetensors"
    assert export.main([f"checkpoint={folder}", f"to={to}"]) == 0
    facts = json.loads(to.with_suffix(".json").read_text())
    assert (facts["epoch"], facts["metrics"]["test/acc"]) == (2, result["metrics"]["test/acc"])


def test_a_later_record_keeps_them(kept):
    record, _ = kept
    before = (record / "runs.jsonl").read_text()
    assert report.main(["mine", "--record"]) == 0
    assert (record / "runs.jsonl").read_text() == before


def test_other_weights_are_refused(kept, tmp_path, capsys):
    record, _ = kept
    file = record / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    assert prepare.main(["weights", "mine"]) == 2
    assert "weights.safetensors must have the SHA-256 of the record" in capsys.readouterr().err
    assert prepare.main(["weights", "mine", "--from", str(tmp_path)]) == 2
    assert "must exist; got none: give the folder of the published weights by --from FOLDER" in capsys.readouterr().err
    assert not list(tmp_path.glob("outputs/weights/*"))


def test_weights_are_copied_over_no_file_to_which_a_link_leads(kept, tmp_path):
    record, _ = kept
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "outputs" / "weights").mkdir()
    (tmp_path / "outputs" / "weights" / "mine.safetensors").symlink_to(tmp_path / "victim")
    assert prepare.main(["weights", "mine"]) == 0
    assert (tmp_path / "victim").read_text() == "mine"
    copied = tmp_path / "outputs" / "weights" / "mine.safetensors"
    assert not copied.is_symlink()
    assert copied.read_bytes() == (record / "weights.safetensors").read_bytes()


def test_a_sweep_without_weights_is_refused(kept, capsys):
    assert prepare.main(["weights", "demo_neurons"]) == 2
    assert "NAME must be a sweep whose record has weights, mine; got demo_neurons" in capsys.readouterr().err
    assert prepare.main(["weights", "mime"]) == 2
    assert "got mime; did you mean mine?" in capsys.readouterr().err
    assert prepare.main(["weights", "demo_neuron"]) == 2
    error = "snnx prepare weights: NAME must be a sweep whose record has weights, mine; got demo_neuron\n"
    assert capsys.readouterr().err == error, "a sweep without weights must not be suggested"


def test_published_weights_are_those_of_a_record_without_the_file(kept, tmp_path, capsys):
    record, _ = kept
    (tmp_path / "published" / "mine").mkdir(parents=True)
    (record / "weights.safetensors").rename(tmp_path / "published" / "mine" / "weights.safetensors")
    assert prepare.main(["weights", "mien"]) == 2
    assert "NAME must be a sweep whose record has weights, mine; got mien; did you mean mine?" in capsys.readouterr().err
    assert prepare.main(["weights", "mine", "--from", "published"]) == 0


def test_the_file_names_no_folder_of_the_machine(kept, tmp_path):
    record, _ = kept
    for path in (record / "weights.json", record / "weights.safetensors", record / "runs.jsonl"):
        assert str(tmp_path).encode() not in path.read_bytes()


def test_data_sets_are_those_of_this_machine(tmp_path, monkeypatch):
    folder, _ = finished(tmp_path / "outputs", "dataset=event_digits", "encoding=events", "trainer.max_epochs=1", "metric=[]")
    to = tmp_path / "weights.safetensors"
    assert export.main([f"checkpoint={folder}", f"to={to}"]) == 0
    assert read(to).config["dataset"]["root"] == "data"
    monkeypatch.setenv("SNNX_DATA", "/elsewhere")
    assert reopen(to).config["dataset"]["root"] == "/elsewhere"


def test_a_changed_configuration_is_refused(kept):
    from safetensors import safe_open
    from safetensors.torch import save_file

    record, _ = kept
    file = record / "weights.safetensors"
    with safe_open(str(file), "pt") as opened:
        facts, tensors = json.loads(opened.metadata()["snnx"]), {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    facts["config"]["neuron"]["v_threshold"] = 2.0
    save_file(tensors, str(file), metadata={"snnx": json.dumps(facts)})
    with pytest.raises(ValueError, match=r"weights\.safetensors must have the configuration of its run, .*; got that of"):
        reopen(file)
    save_file(tensors, str(file))
    with pytest.raises(ValueError, match=r"weights\.safetensors must have been written by snnx export, with the run's config"):
        reopen(file)
    file.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"weights\.safetensors must be a file of weights; got one that is damaged"):
        reopen(file)


def test_facts_that_name_no_run_are_refused(kept):
    record, _ = kept
    (record / "weights.json").write_text("[]")
    assert report.main(["mine", "--record"]) == 2
