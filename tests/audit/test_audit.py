"""A sound run passes every check, and three networks that are wrong on purpose are caught by name."""

import json
import shutil
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
import yaml
from composing import composed
from finished import TINY, finished, result_of
from torch import nn

from snnx.audit.above_chance import above_chance
from snnx.audit.audit import check
from snnx.audit.emissions import Emissions, Emitted, activity
from snnx.audit.overlap import overlap
from snnx.audit.predictions import different
from snnx.augmentation.none import none
from snnx.command import audit as command
from snnx.conversion.bursting import Bursting
from snnx.dataset.digits import Digits
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.latency_linear import LatencyLinear
from snnx.encoding.rate import Rate
from snnx.encoding.repeat import Repeat
from snnx.method.direct import Direct
from snnx.metric.firing_rate import FiringRate
from snnx.neuron.ilif import ILIF
from snnx.neuron.lif import LIF
from snnx.record import audit_file
from snnx.record.identity import run_id
from snnx.record.write import write
from snnx.report.data.runs import collect
from snnx.scheduler.constant import Constant

TRAINING = ("timesteps=4", "trainer.max_epochs=8", "budget.samples=0.5", "neuron.v_threshold=0.3", "encoding=latency_linear")

LATENCY, RATE = partial(LatencyLinear, silent_value=0), partial(Rate, eval_seed=0)
NEURON = partial(LIF, v_threshold=0.1)


def digits(kind: type[Digits] = Digits, samples: float = 0.3) -> Digits:
    data = kind(batch_size=64, validation=0.1, normalize=False, augmentation=none, seed=0, samples=samples)
    data.setup()
    return data


class Network(nn.Module):
    """A hidden layer of neurons, and another part of the network before it."""

    def __init__(self, neuron, in_shape, classes, width, before=nn.Identity) -> None:
        super().__init__()
        self.before, self.hidden, self.sn = before(), nn.Linear(64, 32), neuron()
        self.readout = nn.Linear(32, classes)

    def forward(self, x):
        return self.readout(self.sn(self.hidden(self.before(x).flatten(2))))


def findings(data, *, encoding=LATENCY, neuron=NEURON, before=nn.Identity):
    torch.manual_seed(0)
    method = Direct(
        encoding=partial(encoding, timesteps=4), neuron=neuron, backbone=partial(Network, before=before),
        decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, optimizer=torch.optim.Adam, scheduler=Constant,
        in_shape=(1, 8, 8), classes=10,
    )  # fmt: skip
    layers = Emissions()
    trainer = pl.Trainer(
        accelerator="cpu", callbacks=[layers], logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    return check(trainer, method, data, layers, trained=False)


def failed(found) -> list[str]:
    return [name for name, one in found.items() if one.outcome == "failed"]


pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*isinstance.treespec")


class Noisy(Repeat):
    """Draws by the place in the batch, as an encoding that knows nothing of `next_places` does."""

    def begin_evaluation(self):
        super().begin_evaluation()
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, x):
        x = super().forward(x)
        return x * (torch.rand(x.shape, generator=self.generator) < 0.9)


@pytest.mark.parametrize("encoding", [LATENCY, RATE, Repeat, Noisy])
def test_a_sound_network_fails_no_check(encoding):
    found = findings(digits(), encoding=encoding)
    assert failed(found) == []
    assert found["chance"].outcome == "not applicable"
    assert found["metrics"].text == (
        "firing_rate, spikes_per_neuron, inactive_percent of 1 layer agree with a count of 89 samples"
    )
    assert found["time"].outcome == ("not applicable" if encoding is Repeat else "measured")
    assert ("the spikes of each sample were drawn once" in found["batch"].text) == (encoding is Noisy)


def test_a_silent_network_passes_no_check_of_its_predictions():
    found = findings(digits(), neuron=partial(LIF, v_threshold=1e6))
    assert failed(found) == ["activity"]
    for check_ in ("batch", "order", "repeat"):
        assert found[check_].outcome == "not applicable"
        assert "so this check could not have failed" in found[check_].text


class Centred(nn.Module):
    """Subtracts the mean of the batch, so that a sample's input depends on the others."""

    def forward(self, x):
        return x - x.mean(1, keepdim=True)


class Remembering(nn.Module):
    """Adds the last sample of the batch before, which `reset_net` does not find."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0.0

    def forward(self, x):
        y, self.last = x + self.last, x[:, -1:]
        return y


@pytest.mark.parametrize("state", [Centred, Remembering])
def test_state_across_the_batch_is_caught(state):
    found = findings(digits(), before=state)
    assert {"batch", "order"} <= set(failed(found))
    assert "samples are classified differently" in found["batch"].text
    assert ("repeat" in failed(found)) == (state is Remembering)


class Leaky(Digits):
    """Trains on some test images too."""

    def _cut(self, official):
        parts = super()._cut(official)
        (images, labels), (others, their) = parts["train"], parts["test"]
        return parts | {"train": (torch.cat([images, others[:20]]), torch.cat([labels, their[:20]]))}


class Copied(Digits):
    """Its files contain some test images in the training part too."""

    def read(self):
        official = super().read()
        (images, labels), (others, their) = official["train"], official["test"]
        return official | {"train": (torch.cat([images, others[:20]]), torch.cat([labels, their[:20]]))}


def test_test_images_in_training_are_caught():
    found = findings(digits(Leaky))
    assert failed(found) == ["split"]
    assert "20 of test are also in train (" in found["split"].text
    assert "20 of them are used more often than the files contain them" in found["split"].text


def test_copies_in_the_files_are_counted_and_fail_only_if_they_are_not_a_publishers(monkeypatch):
    found = overlap(digits(Copied, samples=1.0))
    assert (found.outcome, "remove the copies" in found.text) == ("failed", True)
    monkeypatch.setattr(Copied, "__module__", "snnx.dataset.digits")
    found = overlap(digits(Copied, samples=1.0))
    assert (found.outcome, "because the publisher's files contain them more than once" in found.text) == ("passed", True)


class Half(LIF):
    """Emits 0.5 in place of a spike."""

    def fire(self, h, state):
        return 0.5 * super().fire(h, state)


def test_a_spiking_layer_that_emits_a_half_is_caught():
    found = findings(digits(), neuron=partial(Half, v_threshold=0.1))
    assert failed(found) == ["spikes", "metrics"]  # whose means of 0.5 are no count of spikes
    assert found["spikes"].text == "spikes must be 0 or 1, but sn emitted 0.5"


def test_the_units_of_a_burst_are_whole_numbers():
    found = findings(digits(), neuron=partial(Bursting, v_threshold=0.1))
    assert found["spikes"].outcome == "passed"
    assert found["spikes"].text.endswith("are whole numbers")


def test_several_spikes_of_a_neuron_at_a_step_are_counted_one_by_one():
    """I-LIF emits 2 for two spikes. The check of activity prints a rate that counts them so, too."""
    found = findings(digits(), neuron=partial(ILIF, v_threshold=0.1))
    assert failed(found) == []
    assert found["spikes"].text.endswith("are whole numbers from 0 to 4")
    counted = activity({"sn": Emitted(fires_once=False, counts=True, outputs=8, fired=3, spikes=6)})
    assert counted.text == "firing rates are between 0.75 in sn and 0.75 in sn"


def test_a_silent_layer_is_caught():
    found = findings(digits(), neuron=partial(LIF, v_threshold=1e9))
    assert failed(found) == ["activity"]
    assert found["activity"].text == "on the whole test set, sn never fired"


def test_a_saturated_layer_is_caught_unless_its_spike_times_carry_the_value():
    full = {"outputs": 8, "fired": 8, "spikes": 8}
    found = activity({"sn1": Emitted(fires_once=False, outputs=8, fired=1, spikes=1), "sn2": Emitted(fires_once=False, **full)})
    assert (found.outcome, found.text) == ("failed", "on the whole test set, sn2 always fired")
    assert activity({"sn": Emitted(fires_once=True, **full)}).outcome == "passed"


def test_a_metric_that_miscounts_is_caught(monkeypatch):
    right = FiringRate.measure
    monkeypatch.setattr(FiringRate, "measure", lambda self, h, s, node: right(self, h, s.roll(1, 0), node))
    found = findings(digits())
    assert failed(found) == ["metrics"]
    assert found["metrics"].text.startswith("firing_rate of sn is 0.")


def test_a_network_without_spiking_layers_has_neither_spikes_nor_activity():
    found = findings(digits(), neuron=nn.ReLU)
    assert failed(found) == []
    assert {found[name].outcome for name in ("spikes", "activity", "metrics")} == {"not applicable"}


def test_accuracy_at_chance_is_caught():
    assert above_chance(0.15, largest=0.1, samples=297, trained=True).outcome == "failed"
    assert above_chance(0.16, largest=0.1, samples=297, trained=True).outcome == "passed"


def test_an_error_in_a_check_is_a_finding():
    class Whole(nn.Module):
        def forward(self, x):
            if x.shape[1] == 1:
                raise RuntimeError("a batch must have\ntwo samples")
            return x

    assert findings(digits(), before=Whole)["batch"].text == "RuntimeError: a batch must have two samples"


def test_ties_within_the_margin_do_not_count():
    scores = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    assert different(scores, scores + torch.tensor([[0.0, 1e-9], [0.0, 0.0]])) is None
    assert different(scores, scores.flip(1)).tolist() == [1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run that is better than chance, and its result; tests must not change it."""
    return finished(tmp_path_factory.mktemp("outputs"), *TRAINING)


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the run, which a test may change, linked as a single run."""
    folder = shutil.copytree(run[0], tmp_path / "runs" / run[0].name)
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "seed=0").symlink_to(folder)
    return folder


def outcomes(folder) -> dict[str, str]:
    return {one["check"]: one["outcome"] for one in json.loads((folder / "audit.json").read_text())["findings"]}


def test_a_run_is_audited_and_its_findings_are_kept(copied, capsys, tmp_path):
    assert command.main([str(copied)]) == 0
    assert "passed          batch     148 samples get the same predictions" in capsys.readouterr().out
    found = outcomes(copied)
    assert set(found.values()) == {"passed", "measured"}
    (run,) = collect("single", tmp_path, tmp_path)
    assert {one["check"]: one["outcome"] for one in run.result["audit"]["findings"]} == found
    assert command.main(["single", "--outputs", str(tmp_path)]) == 0
    assert "audited before" in capsys.readouterr().out
    assert command.main(["single", "--outputs", str(tmp_path), "--again"]) == 0
    assert ", epoch 8\n  passed          batch" in capsys.readouterr().out


def test_a_run_that_cannot_be_opened_is_named_and_the_others_are_audited(copied, capsys, tmp_path):
    gone = shutil.copytree(copied, tmp_path / "runs" / "0123456789abcdef")
    facts = json.loads((gone / "result.json").read_text())
    (gone / "result.json").write_text(json.dumps({**facts, "hash": gone.name, "seed": 7}))
    config = yaml.safe_load((gone / "config.yaml").read_text())
    config["neuron"]["_target_"] = "snnx.neuron.gone.Gone"
    (gone / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "single" / "a,seed=7").symlink_to(gone)  # comes first
    assert command.main(["single", "--outputs", str(tmp_path)]) == 2
    said = capsys.readouterr()
    title = "a, seed 7, paper, budget.samples=0.1, budget.samples=0.5"
    assert said.err.startswith(f"snnx audit: {title}: {gone}")
    assert said.err.count("\n") == 1
    assert said.out.splitlines()[-1] == f"1 of 2 runs failed no check; not audited: {title}"
    assert outcomes(copied)["spikes"] == "passed"


def test_a_run_whose_components_fail_is_named_and_the_others_are_audited(copied, capsys, tmp_path):
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["seed"] = 7  # another run
    del config["trainer"]["accelerator"]  # which the code reads without asking
    broken = shutil.copytree(copied, tmp_path / "runs" / run_id(config))
    shutil.rmtree(broken / "ckpt")
    write(broken / "config.yaml", yaml.safe_dump(config))
    facts = json.loads((broken / "result.json").read_text())
    metrics = {key: value for key, value in facts["metrics"].items() if key != "best_epoch"}
    write(broken / "result.json", json.dumps({**facts, "hash": broken.name, "seed": 7, "metrics": metrics}))
    (tmp_path / "single" / "a,seed=7").symlink_to(broken)
    assert command.main(["single", "--outputs", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "KeyError: 'accelerator'" in said.err
    assert said.err.count("\n") == 1
    assert said.out.splitlines()[-1].startswith("1 of 2 runs failed no check; not audited: a, seed 7")


def test_an_audit_of_another_epoch_or_configuration_is_printed_only(copied):
    shutil.copy(copied / "ckpt" / "epoch=8.ckpt", other := copied / "ckpt" / "epoch=1.ckpt")
    content = torch.load(other, weights_only=True)
    torch.save({**content, "epoch": 0}, other)
    assert command.main([str(other)]) == 0
    assert command.main([str(copied), "neuron.v_threshold=50.0"]) == 1
    assert not (copied / "audit.json").exists()


def test_an_audit_of_an_earlier_result_does_not_count(copied, tmp_path):
    result = json.loads((copied / "result.json").read_text())
    audit_file.save(copied, {"started": "2020-01-01T00:00:00", "epoch": 1, "findings": []})
    assert audit_file.read(copied, result) is None
    (copied / "audit.json").write_text("{")
    assert audit_file.added(result, copied) == result


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "sweep, single, or a run's folder, .ckpt file or .safetensors file of snnx export; got nothing"),
        (["demo_neuron"], ".safetensors file of snnx export; got demo_neuron; did you mean demo_neurons?"),
        (["singl"], ".safetensors file of snnx export; got singl; did you mean single?"),
        (["single", "--outputs", "nowhere"], "NAME must be a sweep with a finished run in nowhere; got single, which has none"),
        (["RUN", "neuron.taau=3"], "got neuron.taau=3; did you mean neuron.tau"),
    ],
)
def test_mistakes_are_one_line(run, words, message, capsys):
    assert command.main([word.replace("RUN", str(run[0])) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


def test_a_run_that_has_not_finished_is_rejected(copied, capsys):
    (copied / "result.json").unlink()
    assert command.main([str(copied)]) == 2
    assert "must be a finished run; got one that has not finished" in capsys.readouterr().err


def test_missing_data_exits_1_with_one_line(empty, capsys):
    job = composed("dataset=fashion_mnist", "trainer.max_epochs=0")
    write(empty / job.id / "config.yaml", yaml.safe_dump(job.config))
    write(empty / job.id / "result.json", json.dumps(result_of(job)))
    assert command.main([str(empty / job.id)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "snnx prepare fashion_mnist" in error


def test_a_network_of_spike_times_has_no_time_steps(tmp_path, monkeypatch):
    monkeypatch.setattr("finished.TINY", tuple(word for word in TINY if not word.startswith("backbone")))
    folder, _ = finished(tmp_path, "method=ttfs", "backbone=mlp", "backbone.hidden=[16]", "backbone.bias=false")
    command.main([str(folder)])
    found = outcomes(folder)
    assert set(found) - {check for check, outcome in found.items() if outcome == "passed"} <= {"time", "chance"}
    assert found["time"] == "not applicable"


def test_a_converted_network_is_audited_as_it_is_tested(tmp_path):
    folder, _ = finished(tmp_path, "method=conversion", "metric=[]", "timesteps=20")
    assert command.main([str(folder)]) == 1  # two epochs of 135 images: at chance
    found = outcomes(folder)
    assert [check for check, outcome in found.items() if outcome == "failed"] == ["chance"]
    assert found["spikes"] == "passed"
