"""NIR export: the same spikes in other simulators, and an error for networks that NIR cannot represent."""

import copy

import pytest
import torch
from composing import composed
from finished import finished
from spikingjelly.activation_based import functional
from torch import nn

from snnx.backbone.convnet import ConvNet
from snnx.backbone.mlp import MLP
from snnx.backbone.scnn import SCNN
from snnx.command import export
from snnx.export.layer_chain import layer_chain
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.run.build import build_method

nir = pytest.importorskip("nir", reason="the extra is not installed: pip install 'snnx[export]'")
from snnx.export.interpret import interpret  # noqa: E402
from snnx.export.nir_file import export_nir, spikes  # noqa: E402
from snnx.export.nir_graph import DT, HAS_RESET, nir_graph  # noqa: E402

NEURONS = {
    "IF": IF,
    "LIF": lambda: LIF(tau=2.0, v_threshold=0.3),
    "LIF tau=3, no decay_input": lambda: LIF(tau=3.0, decay_input=False),
    "PLIF": lambda: PLIF(tau=2.5, v_threshold=0.3),
}


def drawn(network: nn.Module, seed: int = 0) -> nn.Module:
    """Draw weights that are large enough for spikes, and batch statistics other than 0 and 1."""
    draw = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=1.5 / module.weight[0].numel() ** 0.5, generator=draw)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=draw)
            module.running_var.uniform_(0.5, 1.5, generator=draw)
    return network.eval()


def test_scores_are_compared_too(tmp_path):
    """`layer_chain` does not notice a product in place, because it writes no new tensor."""

    class Doubled(ConvNet):
        def forward(self, x):
            return super().forward(x).mul_(2)

    network = drawn(Doubled(neuron=IF, in_shape=(2, 8, 8), classes=3, channels=[4, 6]))
    with pytest.raises(ValueError, match=r"the scores must be the output of the last layer; got something .* in place"):
        export_nir(network, (2, 8, 8), tmp_path / "net.nir")
    assert not list(tmp_path.iterdir())


def test_a_network_that_never_fires_is_rejected(tmp_path):
    silent = ConvNet(neuron=lambda: IF(v_threshold=1e6), in_shape=(2, 8, 8), classes=3, channels=[4, 6]).eval()
    with pytest.raises(ValueError, match=r"at least one neuron must fire for random images, .*; got none: train it first"):
        export_nir(silent, (2, 8, 8), tmp_path / "net.nir")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS)
def test_round_trip_through_the_equations_of_nir(neuron, tmp_path):
    network = drawn(ConvNet(neuron=neuron, in_shape=(2, 8, 8), classes=3, channels=[4, 6]))
    state = copy.deepcopy(network.state_dict())
    assert export_nir(network, (2, 8, 8), tmp_path / "net.nir") > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["net.nir"]
    for key, value in network.state_dict().items():
        assert torch.equal(value, state[key])
    x = torch.rand(6, 2, 2, 8, 8)
    functional.reset_net(network)
    scores = interpret(nir.read(tmp_path / "net.nir"), x, DT)["output"]
    torch.testing.assert_close(scores, network(x).detach(), atol=1e-4, rtol=1e-4)


def test_a_neuron_exactly_at_its_threshold_fires_in_nir_too():
    """NIR's neurons fire above their threshold, ours already at it."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    network = nn.Sequential(nn.Flatten(2), layer, IF())
    graph, x = nir_graph(network, (1, 1, 1)), torch.full((4, 1, 1, 1, 1), 0.5)
    assert interpret(graph, x, DT)["2"].flatten().tolist() == spikes(network, x)[0]["2"].flatten().tolist() == [0, 1, 0, 1]


def scores_of(other: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The scores of another simulator, one sample at a time: NIR's shapes have no batch, which it would flatten as well."""
    outputs = []
    for sample in x.unbind(1):
        state = None
        for x_t in sample:
            y, state = other(x_t, state)
            outputs.append(y.detach())
    return torch.stack(outputs).unflatten(0, x.shape[:2][::-1]).transpose(0, 1)


@pytest.mark.filterwarnings("ignore")
def test_snntorch_gives_the_same_scores(tmp_path, capsys):
    """Runs snnTorch's modules of the nodes one after another, because nirtorch 2.0.2 mistakes this chain for a cycle."""
    pytest.importorskip("snntorch")
    pytest.importorskip("nirtorch")
    from snntorch.import_nir import _nir_to_snntorch_module as module_of

    network = drawn(SCNN(neuron=lambda: LIF(tau=2.0, v_threshold=0.3), in_shape=(1, 12, 12), classes=4, kernel=3, hidden=[12]))
    assert export_nir(network, (1, 12, 12), tmp_path / "net.nir")
    graph, x = nir.read(tmp_path / "net.nir"), torch.rand(8, 3, 1, 12, 12)
    after, name, modules = dict(graph.edges), "input", []
    while (name := after[name]) != "output":
        modules.append(module_of(graph.nodes[name], init_hidden=True))
    outputs = []
    for sample in x.unbind(1):
        for module in modules:
            if hasattr(module, "reset_mem"):
                module.reset_mem()
        outputs.append(torch.stack([nn.Sequential(*modules)(x_t) for x_t in sample]))
    assert spikes(network, x)[0]["classifier.sn3"].sum() > 10
    torch.testing.assert_close(torch.stack(outputs, 1).detach(), network(x).detach(), atol=1e-4, rtol=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("neuron", [IF, NEURONS["LIF"]], ids=["IF", "LIF"])
def test_norse_gives_the_same_scores(neuron, tmp_path):
    norse = pytest.importorskip("norse.torch")
    network = drawn(MLP(neuron=neuron, in_shape=(1, 4, 4), classes=3, hidden=[20, 10]))
    assert export_nir(network, (1, 4, 4), tmp_path / "net.nir")
    other = norse.from_nir(nir.read(tmp_path / "net.nir"), ignore_warnings=True, dt=DT)
    x = torch.rand(8, 3, 1, 4, 4)
    assert spikes(network, x)[0]["layers.sn2"].sum() > 10
    torch.testing.assert_close(scores_of(other, x), network(x).detach(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["neuron=lif", "neuron.v_reset=null"],
            r"stages.sn1: v_reset must be a number, because NIR has no soft reset; got None",
        ),
        (["neuron=klif"], r"stages.sn1: NIR has no neuron with the equation of KLIF; use IF, LIF or PLIF"),
        (["backbone=spikformer"], r"must|NIR has no node for"),
        (["backbone=resnet"], r"must read the output of the layer before it; got something that is computed between the two"),
        (["backbone=vgg", "backbone.pool=max"], r"NIR has no node for MaxPool"),
    ],
)
def test_networks_that_nir_cannot_represent(words, message):
    class Facts:
        shape, classes = (3, 32, 32), 10

    method = build_method(composed(*words, "metric=[]", "budget.width=0.1").config, Facts())
    with pytest.raises(ValueError, match=message) as caught:
        nir_graph(method.backbone, (3, 32, 32))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(HAS_RESET, reason="this version of nir has v_reset")
def test_a_reset_to_another_value_than_0_needs_a_later_nir():
    network = MLP(neuron=lambda: LIF(v_reset=-0.5), in_shape=(1, 4, 4), classes=3, hidden=[4])
    with pytest.raises(ValueError, match=r"layers.sn1: v_reset must be 0 with nir [\d.]+; got -0.5: install a later version"):
        nir_graph(network, (1, 4, 4))


def test_layers_that_do_not_form_a_chain():
    class Other(nn.Module):
        def __init__(self, how) -> None:
            super().__init__()
            self.a, self.b, self.how = nn.Linear(4, 4), nn.Linear(4, 4), how

        def forward(self, x):
            return self.how(self, x.flatten(2))

    between = r"b must read the output of the layer before it; got something that is computed between the two"
    for how, message in (
        (lambda m, x: m.b(m.a(x) * 2), between),
        (lambda m, x: m.b(m.a(x).unflatten(2, (2, 2)).transpose(2, 3).flatten(2)), between),
        (lambda m, x: m.b(x) if m.a(x) is not None else None, between),
        (lambda m, x: m.a(m.a(x)), r"a must be used once; got it twice"),
        (lambda m, x: m.b(m.a(x)).relu(), r"the scores must be the output of the last layer; got something .* after b"),
    ):
        with pytest.raises(ValueError, match=message):
            layer_chain(Other(how), (1, 2, 2))


def test_the_command_writes_a_graph_or_one_line_with_the_reason(tmp_path, capsys):
    folder, _ = finished(tmp_path / "outputs", "neuron=lif", "neuron.v_threshold=0.2", "trainer.max_epochs=1")
    file = tmp_path / "net.nir"
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={file}"]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert file.stat().st_mode & 0o777 == 0o644
    assert set(nir.read(file).nodes) >= {
        "input",
        "stages_conv1_0",
        "stages_sn1",
        "stages_pool1_0",
        "flatten_out",
        "out",
        "output",
    }
    binary = tmp_path / "binary.nir"
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={binary}", "fold=true"]) == 0
    assert not any(isinstance(node, nir.AvgPool2d) for node in nir.read(binary).nodes.values())
    x = torch.rand(4, 3, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(*(interpret(nir.read(path), x, DT)["output"] for path in (file, binary)), rtol=1e-6, atol=1e-6)
    capsys.readouterr()
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={tmp_path}/net.json"]) == 2
    assert "to must end in .nir" in capsys.readouterr().err
    folder, _ = finished(tmp_path / "outputs", "method=conversion", "metric=[]", "trainer.max_epochs=1")
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={file}"]) == 2
    assert "format=nir needs a run of method=direct; got Conversion, whose neurons have a soft reset" in capsys.readouterr().err
    folder, _ = finished(tmp_path / "outputs", "method=tandem", "metric=[]", "trainer.max_epochs=1")
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={file}"]) == 2
    assert "format=nir needs a run of method=direct; got Tandem, whose neurons have a soft reset" in capsys.readouterr().err
    words = ("method=ttfs", "backbone=scnn", "backbone.channels=[4]", "backbone.bias=false", "backbone.pool=max")
    folder, _ = finished(tmp_path / "outputs", *words, "metric=[]", "trainer.max_epochs=1")
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={file}"]) == 2
    assert "got TTFS, whose layers exchange spike times" in capsys.readouterr().err
