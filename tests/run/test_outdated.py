"""A run is executed again, with the reason, if its code or its samples have changed since; otherwise it counts as done."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest
import sklearn
import torch
import warm
from command_lines import ROOT
from composing import composed
from loops import share_loops
from PIL import Image

from snnx.augmentation.none import none
from snnx.command import audit
from snnx.dataset.content import by_file, content, digests, folders, stamp
from snnx.dataset.labelled import Labelled
from snnx.record import source
from snnx.record.changed_code import changed_code, changed_files
from snnx.record.checkpoint import CODE, DATA
from snnx.record.write import write
from snnx.run import outdated
from snnx.run.build import build_data
from snnx.run.execute import execute
from snnx.run.history import describe_earlier_attempt, finished
from snnx.run.retest import retest

QUICK = ("timesteps=2", "trainer.max_epochs=2", "budget.samples=0.1", "trainer.accelerator=cpu", "seed=0")
NEURON = '''"""Mine."""

from snnx.neuron.helper import half
from snnx.neuron.lif import LIF


class Mine(LIF):
    """Half the input."""

    def charge(self, x, v):
        return super().charge(half(x), v)
'''
X = hashlib.sha256(b"x").hexdigest()
HELPER = "def half(x):\n    return x / 2\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of snnx with an additional neuron, which imports a helper module, and one finished run of it."""
    here = tmp_path_factory.mktemp("checkout")
    for folder in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / folder, here / folder, ignore=shutil.ignore_patterns("__pycache__"))
    share_loops(here / "snnx")
    (here / "snnx" / "neuron" / "mine.py").write_text(NEURON)
    (here / "snnx" / "neuron" / "helper.py").write_text(HELPER)
    (here / "conf" / "neuron" / "mine.yaml").write_text("_target_: snnx.neuron.mine.Mine\n_partial_: true\n")
    assert "test/acc" in snnx(here, "neuron=mine")
    return here


def snnx(here: Path, *words: str) -> str:
    """Run a command with the code of the copy, and return what it prints."""
    done = warm.python(["-m", "snnx", *QUICK, *words], here, here)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_without_changes_or_with_a_changed_comment_the_run_counts_as_done(copy):
    assert "done before" in snnx(copy, "neuron=mine")
    path = copy / "snnx" / "neuron" / "mine.py"
    path.write_text(NEURON.replace('"""Half the input."""', '"""Half of the input."""  # says more').replace("Mine.", "Own."))
    assert "done before" in snnx(copy, "neuron=mine")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"), [("mine", NEURON.replace("half(x)", "half(half(x))")), ("helper", "def half(x):\n    return x / 8\n")]
)
def test_after_an_edit_of_the_neuron_or_its_helper_the_run_is_executed_again(copy, name, text):
    before = json.loads(next((copy / "outputs" / "runs").glob("*/result.json")).read_text())
    path = copy / "snnx" / "neuron" / f"{name}.py"
    original = path.read_text()
    path.write_text(text)
    assert f"done before, although snnx/neuron/{name}.py changed" in snnx(copy, "neuron=mine", "outdated=true")
    printed = snnx(copy, "neuron=mine")
    assert f"out of date because snnx/neuron/{name}.py changed" in printed
    assert "done before" not in printed
    after = json.loads(next((copy / "outputs" / "runs").glob("*/result.json")).read_text())
    assert after["hash"] == before["hash"]
    assert after["code"] != before["code"]
    path.write_text(original)
    snnx(copy, "neuron=mine")


@pytest.mark.slow
def test_an_edit_of_code_that_a_run_does_not_use_does_not_matter(copy):
    snnx(copy, "neuron=lif")
    (copy / "snnx" / "neuron" / "helper.py").write_text("def half(x):\n    return 0.5 * x\n")
    assert "done before" in snnx(copy, "neuron=lif")
    (copy / "snnx" / "neuron" / "helper.py").write_text(HELPER)


@pytest.mark.slow
def test_a_checkpoint_of_other_code_is_not_continued(copy):
    snnx(copy, "neuron=mine")
    folder = next(path.parent for path in (copy / "outputs" / "runs").glob("*/config.yaml") if "mine.Mine" in path.read_text())
    found = torch.load(folder / "ckpt" / "last.ckpt", weights_only=True)
    assert found[CODE] == json.loads((folder / "result.json").read_text())["code"]
    assert found[DATA] == json.loads((folder / "result.json").read_text())["data"]["content"]
    (folder / "result.json").unlink()
    assert "resumed at epoch 2" in snnx(copy, "neuron=mine")
    (folder / "result.json").unlink()
    (copy / "snnx" / "neuron" / "helper.py").write_text("def half(x):\n    return x / 3\n")
    printed = snnx(copy, "neuron=mine")
    assert "starts over because snnx/neuron/helper.py changed; with outdated=true it would continue from epoch 2" in printed
    assert list(folder.glob("ckpt/*.outdated"))
    assert json.loads((folder / "result.json").read_text())["resumed"] == []
    (copy / "snnx" / "neuron" / "helper.py").write_text(HELPER)


def test_comments_docstrings_and_messages_of_errors_do_not_change_the_digest(tmp_path):
    def digest(text: str) -> str:
        path = tmp_path / "mylab" / "a.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return source.sources({"neuron": {"_target_": "mylab.a.f"}}, {"mylab": tmp_path / "mylab"})["mylab.a"]

    first = digest('"""Says."""\n\n\ndef f(x):\n    """Says."""\n    return x + 1\n')
    assert digest("# more\ndef f(x): return x + 1\n") == first
    assert digest('def f(x):\n    return x + 1\n\n\n"""Says what comes before."""\n') == first
    assert digest("def f(x):\n    return x + 2\n") != first
    assert digest("def f(x):\n    return f'{x + 1}'\n") != first
    check = "def f(x):\n    if x < {}:\n        raise {}\n    return x + 1\n"
    refusing = digest(check.format(0, "ValueError(f'x must be >= 0; got {x}')"))
    assert digest(check.format(0, "ValueError(f'x must not be negative; got {x}')")) == refusing
    assert digest(check.format(1, "ValueError(f'x must be >= 0; got {x}')")) != refusing
    assert digest(check.format(0, "TypeError(f'x must be >= 0; got {x}')")) != refusing


def test_all_ways_to_import_a_module_are_followed(tmp_path):
    lab = tmp_path / "mylab"
    (lab / "deep").mkdir(parents=True)
    (lab / "__init__.py").write_text("")
    (lab / "deep" / "__init__.py").write_text("from .inner import g\n")
    (lab / "deep" / "inner.py").write_text("import torch\n\ndef g(x):\n    return x\n")
    (lab / "a.py").write_text("from . import b\n\ndef f(x):\n    from mylab.deep import g\n    return g(b.h(x))\n")
    (lab / "b.py").write_text("def h(x):\n    return x\n")
    (lab / "alone.py").write_text("1 / 0\n")
    found = source.sources({"neuron": {"_target_": "mylab.a.f"}}, {"mylab": lab})
    assert sorted(found) == ["mylab.a", "mylab.b", "mylab.deep", "mylab.deep.inner"]


def test_the_packages_above_a_module_count(tmp_path):
    lab = tmp_path / "mylab"
    (lab / "deep").mkdir(parents=True)
    (lab / "__init__.py").write_text("from mylab.patch import change\n\nchange()\n")
    (lab / "patch.py").write_text("def change():\n    pass\n")
    (lab / "deep" / "__init__.py").write_text("")
    (lab / "deep" / "a.py").write_text("def f(x):\n    return x\n")
    found = source.sources({"neuron": {"_target_": "mylab.deep.a.f"}}, {"mylab": lab})
    assert sorted(found) == ["mylab", "mylab.deep.a", "mylab.patch"]


def test_modules_beside_the_package_of_a_project_count(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.snnx]\ncomponents = ["mylab_beside"]\n')
    (tmp_path / "mylab_beside").mkdir()
    (tmp_path / "mylab_beside" / "a.py").write_text("from helper_beside import g\n\nf = g\n")
    (tmp_path / "helper_beside.py").write_text("def g(x):\n    return x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    config = {"neuron": {"_target_": "mylab_beside.a.f"}}
    assert {"mylab_beside.a", "helper_beside"} <= set(outdated.code_of(config))


def test_after_keep_loaded_edits_are_ignored(tmp_path, monkeypatch):
    """The runs of the fork server use the code that it has loaded, even if a file is edited afterwards."""
    path = tmp_path / "snnx" / "neuron" / "mine.py"
    path.parent.mkdir(parents=True)
    path.write_text("def f(x):\n    return x\n")
    monkeypatch.setattr(source, "SNNX", {"snnx": tmp_path / "snnx"})
    monkeypatch.setattr(source, "LOADED", {})
    config = {"neuron": {"_target_": "snnx.neuron.mine.f"}}
    source.keep_loaded()
    loaded = source.sources(config, source.SNNX)
    path.write_text("def f(x):\n    return 2 * x\n")
    assert source.sources(config, source.SNNX) == loaded
    source.LOADED.clear()
    assert source.sources(config, source.SNNX) != loaded


def test_changed_added_and_removed_files_are_listed(tmp_path):
    assert changed_files({"a.b": "1", "c": "2"}, {"a.b": "1", "d": "2"}) == ["c.py", "d.py"]


def test_the_init_file_of_a_package_is_listed_by_its_path(tmp_path):
    """Also of a package whose `__init__.py` alone is used, and of one that is gone; a module beside a package is a file."""
    lab, alone, beside = (write(tmp_path / name, "") for name in ("mylab/__init__.py", "alone/__init__.py", "helper.py"))
    packages = {path.parent.name: path.parent for path in (lab, alone)} | {"helper": beside.with_suffix("")}
    before = {"alone": "1", "gone": "1", "gone.a": "1", "helper": "1", "mylab": "1", "mylab.a": "1"}
    now = {"alone": "2", "helper": "2", "mylab": "2", "mylab.a": "1"}
    files = changed_files(before, now, packages)
    assert files == ["alone/__init__.py", "helper.py", "mylab/__init__.py", "gone/__init__.py", "gone/a.py"]


def test_a_missing_file_is_named_alone_unless_another_was_edited(tmp_path):
    """If a component's file is gone, its package is read instead, and the modules that the file imported no longer count."""
    write(tmp_path / "mylab/__init__.py", "")
    packages = {"mylab": tmp_path / "mylab"}
    before = {"mylab.alif": "1", "mylab.half": "1"}
    assert changed_code(before, {"mylab": "1"}, packages) == "mylab/alif.py is missing"
    assert changed_code({"mylab.parts": "1", "mylab.parts.alif": "1"}, {}, packages) == "mylab/parts/__init__.py is missing"
    write(tmp_path / "mylab/kept.py", "")
    assert (
        changed_code({**before, "mylab.kept": "1"}, {"mylab.kept": "2"}, packages) == "mylab/kept.py changed, and 2 more files"
    )
    assert changed_code({"mylab.kept": "1", "other": "1"}, {}, packages) == "mylab/kept.py changed, and 1 more file"


def test_foreign_names_of_modules_are_not_looked_up():
    names = ["snnx./", "snnx.\0", f"snnx.{'a' * 5_000}", "snnx..", ""]
    assert len(changed_files(dict.fromkeys(names, "1"), {})) == len(names)
    assert changed_code(dict.fromkeys(names[:2], "1"), {}).endswith(" changed, and 1 more file")


def of(files: list[Path], root: Path) -> str:
    return content(digests(files, root), root)


def test_content_digest_depends_on_names_and_bytes_but_not_on_the_folder(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name / "raw").mkdir(parents=True)
        (tmp_path / name / "raw" / "images").write_bytes(b"0123")
        (tmp_path / name / "raw" / "labels").write_bytes(b"01")
    here, there = tmp_path / "here", tmp_path / "there"
    files = sorted((here / "raw").iterdir())
    first = of(files, here)
    assert of([there / path.relative_to(here) for path in files], there) == first
    assert folders(files, here) == ["raw"]
    seen = stamp(here, ["raw"])
    (here / "raw" / "labels").write_bytes(b"10")
    assert of(files, here) != first, "a changed label must change the digest"
    assert stamp(here, ["raw"]) != seen


def test_a_file_with_unchanged_size_and_time_is_not_read_again(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(b"0123")
    os.utime(path, ns=(1, 1))
    first = digests([path], tmp_path)
    path.write_bytes(b"4567")
    os.utime(path, ns=(1, 1))  # an edit would change the time; without it, the old digest shows that the file was not read
    assert digests([path], tmp_path) == first
    os.utime(path, ns=(2, 2))
    assert digests([path], tmp_path) != first


def write_mnist(raw: Path) -> None:
    """Write 60 training and 20 test images in MNIST's format."""
    raw.mkdir(parents=True)
    for part, count in (("train", 60), ("t10k", 20)):
        labels = bytes(index % 10 for index in range(count))
        pixels = bytes((index * 7) % 256 for index in range(count * 784))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28)) + pixels
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + labels)


def test_samples_are_read_once_and_files_beside_them_never(tmp_path, monkeypatch):
    """Also if all of them are newer than the digests in the home folder, which every run of `digits` looks up there."""
    raw, base = tmp_path / "data" / "MNIST" / "raw", tmp_path / "home" / "snnx" / "content.db"
    monkeypatch.delenv("SNNX_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    build_data(composed("dataset=digits").config).content()
    os.utime(base, (1, 1))
    write_mnist(raw)
    samples = sorted(raw.iterdir())
    for path in (*samples, write(raw / "train-images-idx3-ubyte.gz", "an archive"), write(raw / "notes.txt", "")):
        os.utime(path, (1_000, 1_000))
    job, read, really = composed("dataset=mnist", f"dataset.root={tmp_path / 'data'}"), [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, *rest: read.append(Path(file.name)) or really(file, *rest))
    found = [build_data(job.config).content() for _ in range(3)]
    assert sorted(read) == samples
    assert found[0] == found[1] == found[2]
    expected = {f"MNIST/raw/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in samples}
    assert found[0]["files"] == expected
    os.utime(samples[0], (2_000, 2_000))
    assert build_data(job.config).content()["files"] == expected
    assert read[len(samples) :] == samples[:1], "only the file with another time is read again"


def test_after_a_changed_pixel_the_run_is_executed_again(tmp_path, monkeypatch):
    """The test writes files in MNIST's format, and then changes one byte of the images."""
    monkeypatch.chdir(tmp_path)
    raw = tmp_path / "data" / "MNIST" / "raw"
    write_mnist(raw)
    words = (
        "dataset=mnist",
        f"dataset.root={tmp_path / 'data'}",
        "trainer.max_epochs=1",
        "timesteps=1",
        "trainer.accelerator=cpu",
    )
    job = composed(*words, "backbone.channels=[2]", "dataset.batch_size=30")
    first = execute(job)
    assert first["status"] == "done", first["error"]
    assert finished(job) is not None
    path = raw / "train-images-idx3-ubyte"
    edited = bytearray(path.read_bytes())
    edited[-1] ^= 1
    path.write_bytes(edited)
    outdated._stamp.cache_clear()  # as in the next process
    assert describe_earlier_attempt(job) == f"out of date because {path} changed"
    assert finished(job) is None
    again = execute(job)
    assert again["data"]["content"] != first["data"]["content"]
    assert again["data"]["split"] == first["data"]["split"]
    outdated._stamp.cache_clear()
    assert finished(job) is not None


def write_pictures(folder: Path) -> None:
    for name in ("ash", "oak"):
        (folder / name).mkdir(parents=True)
        for number in range(10):
            Image.new("L", (8, 8), number).save(folder / name / f"{number}.png")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A finished run of pictures in `leaves`, and the folder."""
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "leaves")
    job = composed("dataset=folder", "dataset.root=leaves", "backbone.channels=[2]", *QUICK)
    assert execute(job)["status"] == "done"
    return job


def test_without_digests_by_file_the_folder_is_named_with_both_digests(pictures):
    """As in the folder of a run from before these digests were kept, or of one with more than a thousand files."""
    path = pictures.folder / "inputs.json"
    made = json.loads(path.read_text())
    assert len(made["data"].pop("files")) == 20
    path.write_text(json.dumps(made))
    Image.new("L", (8, 8), 99).save("leaves/oak/3.png")
    outdated._stamp.cache_clear()
    now = build_data(pictures.config).content()["content"]
    digests = f"digest {made['data']['content']} before, {now} now"
    expected = f"the files of dataset folder in {Path.cwd() / 'leaves'} changed ({digests})"
    assert outdated.outdated(pictures) == expected


def test_a_removed_file_and_a_changed_one_are_named(pictures):
    Path("leaves/oak/3.png").unlink()
    Image.new("L", (8, 8), 99).save("leaves/oak/4.png")
    outdated._stamp.cache_clear()
    assert outdated.outdated(pictures) == "leaves/oak/3.png changed, and 1 more file"


def test_a_run_that_is_opened_again_names_changed_samples(pictures, capsys):
    shutil.copytree("leaves", "copy")
    Image.new("L", (8, 8), 99).save("leaves/oak/3.png")
    assert retest(pictures.folder, [])["outdated"] == "leaves/oak/3.png changed"
    assert retest(pictures.folder, ["dataset.root=copy"])["outdated"] is None
    assert retest(pictures.folder, ["dataset.validation=0.2"])["outdated"] is None, "other samples were asked for"
    audit.main([str(pictures.folder)])
    assert "  ↻ the run is out of date: leaves/oak/3.png changed\n" in capsys.readouterr().out


def test_another_copy_of_the_files_is_the_same(pictures):
    for path in Path("leaves").rglob("*.png"):
        os.utime(path, (1, 1))
    outdated._stamp.cache_clear()
    assert outdated.outdated(pictures) is None


def test_without_inputs_the_digests_in_the_result_are_compared(pictures):
    path, result = pictures.folder / "inputs.json", json.loads((pictures.folder / "result.json").read_text())
    made = path.read_text()
    path.unlink()
    assert finished(pictures) is not None
    assert json.loads(path.read_text()) == json.loads(made), "they are the same, so the file is written again"
    path.unlink()
    (pictures.folder / "result.json").write_text(json.dumps({**result, "code": "0123456789abcdef"}))
    because = rf"its code changed \(digest 0123456789abcdef before, {result['code']} now; without inputs\.json, .* not known\)"
    assert re.fullmatch(f"out of date because {because}", describe_earlier_attempt(pictures))
    assert re.fullmatch(because, outdated.changed_since(pictures.folder, pictures.config, {}))
    assert finished(pictures) is None
    (pictures.folder / "result.json").write_text(json.dumps(result))
    assert outdated.changed_since(pictures.folder, pictures.config, {}) is None
    Image.new("L", (8, 8), 99).save("leaves/oak/3.png")
    before = result["data"]["content"]
    expected = f"out of date because the files of dataset folder in {Path.cwd() / 'leaves'} changed (digest {before} before, "
    assert describe_earlier_attempt(pictures).startswith(expected)
    assert not path.exists()


class Mine(Labelled):
    """A user's data set that names its file relative to the current folder."""

    def sources(self):
        return [Path(self.root) / "images.npz"]


@pytest.mark.parametrize("here", [".", "data"])
@pytest.mark.parametrize("more", ["images.npz", "data/images.npz", "data/data/images.npz"])
def test_a_data_set_may_name_its_files_relative_to_the_current_folder(tmp_path, monkeypatch, here, more):
    """Whichever further folders named data there are: the file is `data/images.npz`, so it is `images.npz` below the root."""
    (tmp_path / here).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / here)
    write(Path("data") / more, "y")
    path = write(Path("data/images.npz"), "x")
    plain = {"batch_size": 1, "validation": 0.0, "augmentation": none, "seed": 0, "split_seed": 0, "samples": 1.0}
    relative, absolute = (Mine(root=str(root), **plain).content() for root in ("data", Path("data").absolute()))
    assert relative == absolute
    assert relative["folders"] == ["."]
    assert relative["stamp"] == stamp(Path("data"), ["."])
    assert relative["files"] == {"images.npz": hashlib.sha256(path.read_bytes()).hexdigest()[:16]}


@pytest.mark.parametrize(("here", "root"), [(".", "data"), ("data", "data"), (".", "data/data")])
def test_after_a_changed_picture_below_a_relative_root_the_picture_is_named(tmp_path, monkeypatch, here, root):
    (tmp_path / here).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / here)
    write_pictures(Path(root))
    job = composed("dataset=folder", f"dataset.root={root}", "dataset.name=leaves", "backbone.channels=[2]", *QUICK)
    assert execute(job)["status"] == "done"
    outdated._stamp.cache_clear()
    assert outdated.outdated(job) is None
    Image.new("L", (8, 8), 99).save(f"{root}/oak/1.png")
    outdated._stamp.cache_clear()
    assert describe_earlier_attempt(job) == f"out of date because {Path(root)}/oak/1.png changed"


def test_of_more_than_a_thousand_files_none_has_a_digest(tmp_path):
    found = {tmp_path / str(number): "938db8c9f82c8cb58d3f3ef4fd250036" for number in range(1001)}
    assert by_file(found, tmp_path) == {}
    del found[tmp_path / "0"]
    assert len(by_file(found, tmp_path)) == 1000


def test_a_foreign_table_of_digests_is_not_computed(tmp_path):
    """A data set from somebody else may bring its own."""
    path = write(tmp_path / "data" / "a", "x")
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n)"
    endless = f"{numbers} select 'a' path, i size, i modified, 'b' sha256 from n"
    (tmp_path / "data" / ".snnx_cache").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / ".snnx_cache" / "content.db")) as base:
        base.execute(f"create view files as {endless}")
    assert digests([path], tmp_path / "data") == {path: X}


def test_a_foreign_trigger_is_not_executed(tmp_path):
    path = write(tmp_path / "data" / "a", "x")
    os.utime(path, (1, 1))
    (tmp_path / "data" / ".snnx_cache").mkdir()
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    with closing(sqlite3.connect(tmp_path / "data" / ".snnx_cache" / "content.db")) as base:
        base.execute("create table files (path text primary key, size integer, modified integer, sha256 text)")
        base.execute(f"create trigger t after insert on files begin {numbers}; end")
    assert digests([path], tmp_path / "data") == {path: X}


def test_the_journal_of_a_foreign_table_deletes_nothing(tmp_path):
    """SQLite deletes the file that a journal names as that of a transaction over several databases."""
    path, notes = write(tmp_path / "data" / "a", "x"), write(tmp_path / "notes", "mine")
    os.utime(path, (1, 1))
    digests([path], tmp_path / "data")
    base = tmp_path / "data" / ".snnx_cache" / "content.db"
    os.utime(path, (2, 2))  # so that there is something to store
    magic, page, name = bytes.fromhex("d9d505f920a163d7"), 4096, str(notes).encode()
    header = magic + struct.pack(">IIIII", 0, 0, base.stat().st_size // page, 512, page)
    named = struct.pack(">I", 2**30 // page + 1) + name + struct.pack(">II", len(name), sum(name)) + magic
    base.with_name("content.db-journal").write_bytes(header.ljust(512, b"\0") + named)
    digests([path], tmp_path / "data")
    assert notes.read_text() == "mine"


def test_a_linked_table_of_digests_is_not_written(tmp_path):
    path = write(tmp_path / "data" / "a", "x")
    os.utime(path, (1, 1))
    (tmp_path / "data" / ".snnx_cache").mkdir()
    (tmp_path / "data" / ".snnx_cache" / "content.db").symlink_to(write(tmp_path / "notes", ""))
    digests([path], tmp_path / "data")
    assert (tmp_path / "notes").read_text() == ""


def test_digits_have_one_digest_in_every_folder(tmp_path, monkeypatch):
    """They come with scikit-learn, whose folder may be below the current one."""
    found = []
    for folder in (tmp_path, Path(sklearn.__file__).parents[1]):
        monkeypatch.chdir(folder)
        found.append(build_data(composed("dataset=digits").config).content())
    assert found[0] == found[1]
    assert not (tmp_path / ".snnx_cache").exists()
