"""Configurations made by an adversary are refused, or build components; they never open a file, a connection or a process."""

import json
import os
import socket
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from inspect import signature
from itertools import count
from pathlib import Path

import pytest
import torch
import yaml
from composing import composed
from finished import result_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_folder import write
from pytorch_lightning import Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from snnx.command import wandb_sweep
from snnx.command.replay import DIFFERS, _parsed, _replay
from snnx.compose.complaint import COMPLAINTS
from snnx.options.files import check_places
from snnx.options.folders import shipped
from snnx.options.own_components import make_importable
from snnx.options.sweepfile import read
from snnx.record.checkpoint import DamagedCheckpoint, load
from snnx.record.identity import run_id
from snnx.record.job import Job
from snnx.report.data.runs import collect
from snnx.run.build import build_trainer
from snnx.run.component import component
from snnx.run.create import create
from snnx.run.on_one_device import on_one_device
from snnx.run.overrides import apply_overrides
from snnx.run.reopen import reopen
from snnx.run.signature import check_signatures, nodes
from snnx.run.target import KINDS

CASES, RECEIVED_CASES, FEWER = 1_000, 300, 100
SHIPPED = sorted({
    node["_target_"] for path in shipped("conf").glob("*/*.yaml") for _, node in nodes(yaml.safe_load(path.read_text()))
})  # fmt: skip
HOSTILE = (
    "os.system", "os.mkdir", "os.remove", "os.environ.get", "builtins.open", "builtins.exec", "builtins.eval", "io.open",
    "subprocess.Popen", "subprocess.run", "socket.create_connection", "pathlib.Path.write_text", "shutil.rmtree",
    "importlib.import_module", "runpy.run_path", "pickle.load", "ctypes.CDLL", "webbrowser.open",
    "urllib.request.urlopen", "torch.load", "torch.save", "torch.hub.load", "torch.utils.cpp_extension.load",
    "torch.jit.load", "numpy.load", "numpy.save", "pytorch_lightning.core.saving.pl_load", "pytorch_lightning.Trainer",
    "pytorch_lightning.callbacks.ModelCheckpoint", "pytorch_lightning.loggers.CSVLogger", "torchvision.datasets.MNIST",
    "torchvision.models.resnet18", "tonic.datasets.NMNIST", "snnx.record.write.write", "snnx.record.write.os.remove",
    "snnx.command.main.main", "snnx.run.execute.execute", "snnx.dataset.fetch.fetch", "snnx.logger.wandb.wandb.init",
    "hydra.utils.instantiate", "hydra.utils.get_method", "functools.partial", "operator.methodcaller",
    "operator.attrgetter", "types.CodeType", "code.interact", "__main__.x", "torch.nn.Sequential",
    "torch.nn.modules.module.torch.load", "torch.optim.swa_utils.AveragedModel",
    "spikingjelly.activation_based.neuron.torch.load", "spikingjelly.activation_based.cuda_kernel.cuda_utils.os.system",
)  # fmt: skip
ATTACKS = {
    "os.system": {"command": "true"},
    "os.mkdir": {"path": "/hostile/file"},
    "os.remove": {"path": "/hostile/file"},
    "io.open": {"file": "/hostile/file"},
    "subprocess.Popen": {"args": "true"},
    "subprocess.run": {"args": "true"},
    "shutil.rmtree": {"path": "/hostile"},
    "numpy.load": {"file": "/hostile/file"},
    "torch.load": {"f": "/hostile/file"},
    "runpy.run_path": {"path_name": "/hostile/file"},
    "socket.create_connection": {"address": ["127.0.0.1", 9]},
    "sqlite3.connect": {"database": ":memory:"},
    "ctypes.CDLL": {"name": "libhostile.so"},
    "snnx.record.write.write": {"path": "/hostile/file", "content": "x"},
}
"""Targets with arguments that fit, so that each would do harm if it was called."""


@st.composite  # its repr is short; Hypothesis warns of long ones
def attacks(draw: st.DrawFn) -> dict:
    name = draw(st.sampled_from(sorted(ATTACKS)))
    return {"_target_": name, **ATTACKS[name]}


texts = st.sampled_from([
    "/hostile/file", "../hostile", "http://127.0.0.1:9/x", "touch hostile", "import os", "${oc.env:HOME}", "x",
])  # fmt: skip
keys = st.sampled_from([
    "_args_", "_recursive_", "_convert_", "_partial_", "f", "path", "file", "command", "args", "name", "surrogate", "weights",
    "callbacks", "strategy", "logger", "transforms", "betas", "params", "lr", "tau", "reduction", "norm", "channels",
])  # fmt: skip
targets = st.sampled_from([*HOSTILE, *SHIPPED]) | st.text(max_size=12)
plain = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, width=16) | texts


def branch(inner: st.SearchStrategy) -> st.SearchStrategy:
    mapping = st.dictionaries(keys, inner, max_size=3)
    node = st.tuples(targets, mapping).map(lambda made: {"_target_": made[0], **made[1]})
    return st.lists(inner, max_size=3) | mapping | node | attacks()


mappings = st.dictionaries(keys, plain, max_size=2)
configurations = st.recursive(plain, branch, max_leaves=8)
WATCHED = (
    "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.forkpty", "subprocess.Popen", "socket.connect",
    "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "sqlite3.connect", "os.mkdir", "os.remove",
    "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod", "os.chown", "os.kill", "os.utime",
    "shutil.rmtree", "pickle.find_class", "ctypes.dlopen", "urllib.Request", "webbrowser.open",
)  # fmt: skip
LIBRARIES = (*(str(Path(folder).resolve()) for folder in sys.path if folder), sys.base_prefix, sys.prefix, "/proc", "/dev/null")
readable: list[str] = []
"""Folders of which a test may read files."""
seen: list[str] = []
jailed = [False]


def watch(event: str, arguments: tuple) -> None:
    if not jailed[0]:
        return
    if event in WATCHED:
        seen.append(f"{event} {arguments}")
    if event == "open" and not isinstance(arguments[0], int | None):  # an integer is a file that is open already
        path, written = Path(os.fsdecode(arguments[0])).resolve(), bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if "__pycache__" not in path.parts if written else not str(path).startswith((*LIBRARIES, *readable)):
            seen.append(f"open {path}{' to write' if written else ''}")


@contextmanager
def jail() -> Iterator[None]:
    """Note everything that reaches the operating system; imports read the files of libraries, which is allowed."""
    seen.clear()
    jailed[0] = True
    try:
        yield
    finally:
        jailed[0] = False


@pytest.fixture(scope="module", autouse=True)
def hook():
    for name in SHIPPED:  # libraries make folders for their settings when they are imported first
        with suppress(ImportError):
            import_module(name.rpartition(".")[0])
    sys.addaudithook(watch)  # cannot be removed, so it does nothing outside the jail


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(group=st.sampled_from(sorted(KINDS)), config=configurations)
def test_no_configuration_reaches_the_operating_system(group, config):
    with jail(), suppress(ValueError, TypeError):  # refused, or an argument is missing
        create(group, config)
    assert not seen, f"{group}: {config}"


interpolations = st.sampled_from([
    "${oc.env:HOME}", "${oc.env:PATH,x}", "${oc.create:{a: 1}}", "${oc.decode:'[1]'}", "${hydra:runtime.cwd}", "${seed}", "${}",
    "${python:os.system}", "${now:%Y}", "${..x}", "${label}",
])  # fmt: skip
headers = st.sampled_from(["", "# @package _global_\n", "# @package hydra.run\n", "# @package hydra\n", "# @package trainer\n"])
names = st.sampled_from(["lif", "received", "../neuron/lif", "/hostile/file", "${neuron}", "${oc.env:HOME}", "", "null"])
choices_made = st.lists(
    st.just("_self_")
    | names
    | st.dictionaries(
        st.sampled_from(["override /neuron", "/neuron", "override /hydra/launcher", "optional /neuron@hydra.run", "neuron"]),
        names,
        min_size=1,
        max_size=1,
    ),
    max_size=3,
)
top_keys = keys | st.sampled_from(
    [*KINDS, "hydra", "force", "outputs", "label", "sweep", "rows", "seed", "budget", "timesteps"]
)
assigned = st.tuples(keys | st.sampled_from(sorted(KINDS)), texts | interpolations | targets).map("=".join)
row = st.fixed_dictionaries({"set": st.lists(assigned | texts, max_size=2)}, optional={"reported": plain, "cited": texts})
tuned = st.fixed_dictionaries(
    {
        "keys": st.dictionaries(st.sampled_from(["neuron.tau", "hydra.run.dir", "--config-dir", "force", "trainer"]), texts),
        "trials": st.just(1) | plain, "epochs": st.just(1.0) | plain,
    },
    optional={"rows": texts, "objectives": texts},
)  # fmt: skip
sweep = st.fixed_dictionaries(
    {"paper": texts, "artifact": texts, "metric": st.sampled_from(["test/acc", "val/acc"])},
    optional={"claims": st.lists(texts, max_size=2), "factor": texts, "unit": texts, "needs": texts, "tune": tuned},
)
axes = st.dictionaries(st.sampled_from(["seed", "--config-dir", "-m", "neuron", "hydra.run.dir"]), texts | plain, max_size=2)
others = st.dictionaries(top_keys, configurations | interpolations, max_size=2)
option = st.fixed_dictionaries({}, optional={"defaults": choices_made, "_target_": targets, "hydra": configurations})
recipe = st.fixed_dictionaries({}, optional={"defaults": choices_made, "hydra": configurations})
swept = st.fixed_dictionaries(
    {"sweep": sweep, "rows": st.fixed_dictionaries({"x": row})},
    optional={
        "defaults": choices_made,
        "hydra": st.fixed_dictionaries({"sweeper": st.fixed_dictionaries({"params": mappings | axes})}),
    },
)
accepted: Counter[str] = Counter()
RUN, RECORD = "outputs/runs/x/config.yaml", "docs/results/demo_neurons/runs.jsonl"


def composes(*words: str) -> Callable[[Path], dict]:
    """Compose these words, as a run or a row of a sweep does."""

    def opened(folder: Path) -> dict:
        check_places()
        return composed(*words).config

    return opened


def becomes_a_sweep_of_wandb(folder: Path) -> dict:
    """Compose the row, and write the definition that an agent of W&B makes command lines from."""
    definition = yaml.safe_load(wandb_sweep.text(read(folder / "sweeps/received.yaml"), []))
    assert not [key for key in definition["parameters"] if key.startswith("-")]
    return composes("sweep=received", "row=x")(folder)


def reopens(folder: Path) -> dict:
    """Open the run as `snnx evaluate` does."""
    return on_one_device(apply_overrides(reopen((folder / RUN).parent).config, ["metric=[firing_rate]"]))


def replays(folder: Path) -> dict:
    """Read the line as reports do, then as `snnx replay` does, which trains nothing, since the hash of the line is another."""
    (run,) = [run for run in collect("demo_neurons", folder / "outputs", folder / "docs/results") if not run.local]
    line = _parsed((folder / RECORD).read_bytes(), RECORD)
    state, explanation = _replay(line, folder / "outputs")
    if state != DIFFERS:
        raise ValueError(explanation)
    return run.result["physics"]


RECEIVED: dict[str, Callable[[Path], dict]] = {
    "conf/neuron/received.yaml": composes("neuron=received"),
    "conf/recipe/received.yaml": composes("recipe=received"),
    "conf/dataset/received.yaml": composes("dataset=received"),
    "sweeps/received.yaml": becomes_a_sweep_of_wandb,
    RUN: reopens,
    RECORD: replays,
}
"""What opens each file; it returns a configuration, of which components are built."""
arguments_of = st.dictionaries(keys, configurations | interpolations, max_size=2)
frozen = st.dictionaries(st.sampled_from(sorted(KINDS)), configurations | arguments_of | attacks(), min_size=1, max_size=2)
"""The groups of a run's configuration that are another's; a mapping without a `_target_` adds its arguments to the group's."""
line = st.fixed_dictionaries(
    {"overrides": st.lists(assigned | texts | interpolations.map("neuron.tau={}".format), max_size=2)},
    optional={"physics": frozen, "metrics": mappings, "curves": configurations, "warnings": st.lists(texts), "git": mappings},
)


@st.composite
def drawn(draw: st.DrawFn) -> tuple:
    """What each kind of file is made from."""
    return draw(st.tuples(option, recipe, swept, st.just({}) | others, frozen, line))


clock = count(1)
REFUSED_BY_LIGHTNING = (ValueError, TypeError, ImportError, RuntimeError, MisconfigurationException)


@cache
def base() -> Job:
    """The run that others are made from."""
    return composed("neuron=lif")


def written(path: str, contents: tuple, header: str, more: str | None) -> str:
    """The text of a received file."""
    option, recipe, swept, shared, frozen, line = contents
    if path == RECORD:
        facts = result_of(base(), sweep="demo_neurons", hash="0123456789abcdef")
        return json.dumps({**facts, **line, "physics": {**base().config, **line.get("physics", {})}}) + "\n"
    if path == RUN:
        config = base().config
        changed = {
            group: {**config[group], **node}
            if isinstance(node, dict) and "_target_" not in node and isinstance(config.get(group), dict)
            else node
            for group, node in frozen.items()
        }
        return yaml.safe_dump({**config, **changed, **shared})
    own = swept if "sweeps" in path else recipe if "recipe" in path else option
    return header + yaml.safe_dump(own | shared) + (f"---\n{more}\n" if more else "")


@pytest.fixture
def folder(empty):
    """A folder whose commit, which snnx asks git for once per process, is known before the jail closes."""
    write(empty, "conf/neuron/received.yaml", "tau: 2.0\n")
    base()
    return empty


@settings(
    max_examples=RECEIVED_CASES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(sorted(RECEIVED)),
    header=st.just("# @package _global_\n") | headers,
    contents=drawn(),
    more=st.none() | st.none() | texts,
)
def test_no_received_file_reaches_the_operating_system(folder, path, header, contents, more):
    """Each is composed, checked, and its components are built; `more` is a second document or a line that is no YAML."""
    for other in RECEIVED:
        (folder / other).unlink(missing_ok=True)
    text = write(folder, path, written(path, contents, header, more)).read_text()
    if path == RUN:  # the sender of a run writes a result that fits
        with suppress(TypeError, AttributeError):
            facts = result_of(base(), hash=run_id(yaml.safe_load(text)))
            write(folder, str(Path(RUN).with_name("result.json")), json.dumps(facts))
    readable[:] = [str(folder)]
    with jail(), suppress(COMPLAINTS):
        config = RECEIVED[path](folder)
        accepted[path] += 1
        check_signatures(config)
        for group in sorted(KINDS.keys() & config.keys() - {"search"}):
            with suppress(ValueError, TypeError):
                component(config, group)
    assert not seen, text


def test_some_of_the_received_files_are_accepted():
    """Otherwise the test above would stop at the first check of each file."""
    assert all(accepted[path] for path in RECEIVED), accepted


FEW = settings(
    max_examples=FEWER,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
of_trainers = st.dictionaries(
    st.sampled_from(sorted(signature(Trainer).parameters)), plain | st.lists(texts, max_size=1) | attacks(), max_size=3
)
NVIDIA = "ctypes.dlopen ('libnvidia-ml.so.1',)"
"""Torch loads this library to count the GPUs."""


@FEW
@given(changes=of_trainers)
def test_no_trainer_reaches_the_operating_system(empty, changes):
    config = {**base().config, "trainer": {**base().config["trainer"], "accelerator": "cpu", **changes}}
    readable[:] = [str(empty)]
    with jail(), suppress(*REFUSED_BY_LIGHTNING):
        build_trainer(config, "0", empty, callbacks=[])
    assert not set(seen) - {NVIDIA}, changes


class Acting:
    """Unpickling it calls one of the functions that would do harm."""

    def __init__(self, does: Callable, *arguments: object) -> None:
        self.does, self.arguments = does, arguments

    def __reduce__(self) -> tuple:
        return self.does, self.arguments


actings = st.sampled_from([
    (os.system, "true"), (os.mkdir, "/hostile/file"), (open, "/hostile/file"), (exec, "import os"), (import_module, "runpy"),
    (torch.load, "/hostile/file"), (Path.read_text, Path("/hostile/file")), (sqlite3.connect, ":memory:"),
]).map(lambda made: Acting(*made))  # fmt: skip
checkpoints = st.dictionaries(
    st.sampled_from(["state_dict", "epoch", "callbacks", "snnx_run", "x"]),
    st.recursive(plain | actings, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)),
    min_size=1,
    max_size=3,
)


@FEW
@given(content=checkpoints | actings, cut=st.none() | st.integers(0, 800))
def test_no_checkpoint_reaches_the_operating_system(empty, content, cut):
    torch.save(content, empty / "epoch=1.ckpt")
    (empty / "epoch=1.ckpt").write_bytes((empty / "epoch=1.ckpt").read_bytes()[:cut])
    readable[:] = [str(empty)]
    with jail(), suppress(DamagedCheckpoint):
        load(empty / "epoch=1.ckpt", None)
    assert not [event for event in seen if not event.startswith("pickle.find_class ('torch")], seen


listed = st.lists(targets | texts, max_size=3) | texts | st.integers() | st.booleans()
tables = st.dictionaries(st.sampled_from(["components", "x"]), listed, max_size=2)


@FEW
@given(table=st.none() | tables, more=st.sampled_from(["", "[", "tool = 1"]))
def test_no_pyproject_reaches_the_operating_system(empty, table, more):
    """It names packages; they are looked for, and not imported."""
    entries = [f"{key} = {json.dumps(value)}" for key, value in (table or {}).items()]
    lines = ["tool = 5"] if table is None else ["[tool.snnx]", *entries]
    path = write(empty, "pyproject.toml", "\n".join([*lines, more, ""]))
    os.utime(path, ns=(next(clock), next(clock)))  # since it is read once for each time of its last change
    readable[:] = [str(empty)]
    before = list(sys.path)
    with jail(), suppress(ValueError):
        make_importable(empty)
    sys.path[:] = before
    assert not seen, lines


ACTS = {
    "file": lambda: Path("/hostile/file").read_text(),
    "file named by bytes": lambda: os.open(b"/hostile/file", os.O_RDONLY),
    "file to write": lambda: Path("/hostile/file").write_text(""),
    "process": lambda: os.system("true"),
    "spawned process": lambda: os.spawnlp(os.P_WAIT, "true", "true"),
    "posix process": lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
    "database": lambda: sqlite3.connect(":memory:").close(),
    "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9)),
    "library": lambda: Path(yaml.__file__).open("a").close(),
}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning", "ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_the_jail_notices(act):
    with jail(), suppress(OSError):
        act()
    assert seen
