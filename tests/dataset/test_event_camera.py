"""Contract of event sets: counts as they are on the disk, every damage named or counted, and no stale frame ever."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.plugins.precision import Precision

from snnx.augmentation.none import none
from snnx.dataset.binning import by_time, frames
from snnx.dataset.frames import convert
from snnx.dataset.nmnist import NMNIST, read_bin
from snnx.dataset.published import NoData
from snnx.dataset.recording import Damaged, Recording, Sample
from snnx.options.folders import shipped
from snnx.run.component import component


def nmnist(root, **changed) -> NMNIST:
    arguments = {"batch_size": 8, "validation": 0.25, "augmentation": none, "seed": 0, "timesteps": 3}
    return NMNIST(root=str(root), **(arguments | changed))


def ready(root, **changed) -> NMNIST:
    dataset = nmnist(root, **changed)
    dataset.setup()
    return dataset


def everything(loader):
    samples, labels = zip(*loader, strict=True)
    return torch.cat(samples), torch.cat(labels)


@pytest.fixture
def root(tmp_path, write_bin, random_events):
    """Two training and one test recording a class."""
    for digit in range(10):
        for part, numbers in (("Train", (1, 2)), ("Test", (3,))):
            for number in numbers:
                write_bin(tmp_path / f"NMNIST/{part}/{digit}/{number:05}.bin", random_events(10 * digit + number))
    return tmp_path


def caches(root) -> list[Path]:
    return sorted(path for path in (root / ".snnx_cache").iterdir() if path.is_dir())


def test_a_partial_copy_loads_with_its_real_counts(root):
    dataset = ready(root)
    assert dataset.split_counts == {"train": 15, "val": 5, "test": 10}
    assert dataset.facts == {"variant": "official", "layout": "bin"}
    samples, _ = next(iter(dataset.test_dataloader()))
    assert (samples.shape, samples.dtype) == ((8, 3, 2, 34, 34), torch.uint8)
    assert dataset.sample_shape == (3, 2, 34, 34)
    assert everything(dataset.test_dataloader())[1].tolist() == list(range(10))


def test_frames_are_those_of_the_recordings(root):
    dataset = ready(root, clip=False, binning="time", size=17)
    samples, _ = everything(dataset.test_dataloader())
    for digit, sample in enumerate(samples):
        events = read_bin(root / f"NMNIST/Test/{digit}/00003.bin")
        expected = frames(events, bins=3, binning=by_time, sensor=(34, 34), size=17)
        assert np.array_equal(sample.numpy(), expected)
    assert ready(root).shape == (2, 34, 34)
    assert everything(ready(root).test_dataloader())[0].max() == 1


def test_frames_are_made_on_a_file_system_without_locks(root, monkeypatch):
    other = root / ".snnx_cache" / "nmnist-of-another-process.partial"
    other.mkdir(parents=True)

    def flock(file, how):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert len(everything(ready(root).test_dataloader())[1]) == 10
    assert other.exists(), "another process may be filling it"


def test_the_split_names_the_recordings_wherever_and_whenever_they_were_copied(tmp_path, write_bin, random_events):
    hashes = []
    for copy, number in (("a", 1), ("b/c", 1), ("d", 2)):
        for path in [f"NMNIST/{part}/{digit}/{number:05}.bin" for part in ("Train", "Test") for digit in range(10)]:
            write_bin(tmp_path / copy / path, random_events(0))
        hashes.append(ready(tmp_path / copy).split_hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_budget_is_of_the_published_set(root):
    """30 of the 70,000: half of the published set is more than all that is here."""
    assert ready(root, samples=0.5).split_counts == {"train": 15, "val": 5, "test": 10}
    assert ready(root, samples=22 / 70_000).split_counts == {"train": 11, "val": 5, "test": 10}
    assert ready(root, samples=15 / 70_000).split_counts["train"] == 10, "as many as there are classes, not 8"


def test_validation_never_touches_test_and_parts_are_disjoint(root):
    dataset = ready(root, clip=False)
    parts = [everything(loader())[0].flatten(1) for loader in (dataset.train_dataloader, dataset.val_dataloader)]
    train, val, test = (
        set(map(tuple, part.tolist())) for part in (*parts, everything(dataset.test_dataloader())[0].flatten(1))
    )
    assert not train & val
    assert not (train | val) & test
    assert len(train | val | test) == 30


def test_counts_beyond_a_byte_and_beyond_16_bits_are_kept(root, write_bin, random_events):
    for number, expected in ((300, torch.int16), (70_000, torch.int32)):
        events = random_events(0, number, pixels=1)
        events["p"] = True
        write_bin(root / "NMNIST/Test/0/00003.bin", events)
        samples, _ = everything(ready(root, clip=False, timesteps=1).test_dataloader())
        assert samples.dtype == expected
        assert samples[0].sum() == number
        assert samples[1:].sum() == 9 * 200


def test_batches_become_floats_and_the_augmentation_sees_all_steps_as_channels(root):
    seen = []

    def blacken(images, labels):
        seen.append(images.shape)
        return images * 0, labels

    dataset = ready(root, augmentation=blacken)
    batch = next(iter(dataset.test_dataloader()))
    out, _ = dataset.on_after_batch_transfer(batch, 0)
    assert (out.shape, out.dtype, out.max().item()) == (batch[0].shape, torch.float32, 1.0)
    dataset.trainer = SimpleNamespace(training=True, precision_plugin=Precision())
    out, _ = dataset.on_after_batch_transfer(batch, 0)
    assert (out.shape, out.max().item()) == (batch[0].shape, 0.0)
    assert seen == [(8, 6, 34, 34)]


def test_the_training_order_depends_on_the_seed_alone(root):
    first, same, other = (everything(ready(root, seed=seed).train_dataloader())[1].tolist() for seed in (0, 0, 1))
    assert first == same != other


DAMAGE = {
    "truncated": (
        lambda path: path.write_bytes(path.read_bytes()[:-2]),
        "must be a multiple of 5 bytes, the size of an event; got 998 bytes",
    ),
    "empty": (lambda path: path.write_bytes(b""), "a recording must contain events; got none"),
    "outside": (lambda path: path.write_bytes(bytes([200, 0, 0, 0, 9])), r"x must lie in 0\.\.33; got 200 to 200"),
    "unsorted": (
        lambda path: path.write_bytes(bytes([0, 0, 0, 0, 9, 0, 0, 0, 0, 8])),
        "timestamps must not decrease; got 8 after 9",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_or_skipped_and_counted(root, name):
    path = root / "NMNIST/Train/7/00002.bin"
    damage, reason = DAMAGE[name]
    damage(path)
    with pytest.raises(Damaged, match=rf"^{path}: {reason}.*; dataset\.skip_bad=true leaves it out$"):
        ready(root)
    assert caches(root) == []
    dataset = ready(root, skip_bad=True)
    assert dataset.facts["skipped"] == {"train": 1, "test": 0}
    assert sum(dataset.split_counts.values()) == 29
    assert json.loads((dataset.convert() / "train.json").read_text())["skipped"][0].startswith(str(path))


def test_nothing_but_damage_is_refused_even_when_skipping(root):
    for path in root.glob("NMNIST/Test/*/*.bin"):
        path.write_bytes(b"")
    with pytest.raises(Damaged, match="test: a part must have an undamaged recording; got 10 damaged, first "):
        ready(root, skip_bad=True)


def test_clipped_frames_take_a_byte_a_pixel_from_the_start(tmp_path, random_events):
    sizes = []

    def framing(events):
        sizes.append((tmp_path / "train.raw").stat().st_size)
        return frames(events, bins=1, binning=by_time, sensor=(34, 34), size=34)

    recordings = [Recording(str(i), "", lambda i=i: iter([Sample(str(i), 0, random_events(i))])) for i in range(2)]
    for clip, size in ((True, 2 * 34 * 34), (False, 4 * 2 * 34 * 34)):
        arguments = {"transforms": [], "sensor": (34, 34), "skip_bad": False}
        convert(recordings, tmp_path / "train", framing=framing, clip=clip, **arguments)
        assert sizes[-2:] == [0, size]
        assert not (tmp_path / "train.raw").exists()


def test_every_argument_that_changes_frames_has_a_cache_of_its_own(root):
    changes = [{}, {"timesteps": 4}, {"binning": "time"}, {"size": 10}, {"clip": False}, {"skip_bad": True}]
    folders = {nmnist(root, **change).convert() for change in changes}
    assert len(folders) == len(changes)
    assert {nmnist(root, **change).convert() for change in ({"seed": 1}, {"batch_size": 2}, {"validation": 0})} <= folders


def test_a_recording_that_changes_is_read_again(root, write_bin, random_events):
    before = everything(ready(root, clip=False).test_dataloader())[0][0]
    write_bin(root / "NMNIST/Test/0/00003.bin", random_events(99, 150))
    assert before.sum() == 200
    assert everything(ready(root, clip=False).test_dataloader())[0][0].sum() == 150
    write_bin(root / "NMNIST/Test/0/00009.bin", random_events(5))
    assert ready(root).split_counts["test"] == 11


def test_a_second_setup_reads_no_recording(root):
    dataset = ready(root)
    for path in root.glob("NMNIST/*/*/*.bin"):
        stat = path.stat()
        path.write_bytes(bytes(stat.st_size))  # other content of the same size and date: only reading would notice
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = ready(root)
    assert again.split_hash == dataset.split_hash
    assert torch.equal(everything(again.test_dataloader())[0], everything(dataset.test_dataloader())[0])


def test_tonics_transforms_are_applied_and_named_in_the_cache(root):
    plain = ready(root, clip=False)
    transform = instantiate({"_target_": "tonic.transforms.RandomFlipPolarity", "p": 1.0})
    flipped = ready(root, clip=False, transforms=[transform])
    assert torch.equal(everything(flipped.test_dataloader())[0], everything(plain.test_dataloader())[0].flip(2))
    assert json.loads((flipped.convert() / "key.json").read_text())["transforms"] == ["RandomFlipPolarity(p=1.0)"]


def test_random_transforms_draw_the_same_again_and_leave_the_generator_alone(root):
    drop = instantiate({"_target_": "tonic.transforms.DropEvent", "p": 0.5})
    before = np.random.get_state()[1].copy()
    first = ready(root, clip=False, transforms=[drop])
    assert np.array_equal(before, np.random.get_state()[1])
    samples = everything(first.test_dataloader())[0]
    assert 0 < samples[0].sum() < 200
    again = ready(root, clip=False, transforms=[drop], skip_bad=True)  # converted anew
    assert torch.equal(samples, everything(again.test_dataloader())[0])


def test_a_transform_that_leaves_nothing_is_named(root):
    none_left = instantiate({"_target_": "tonic.transforms.Denoise", "filter_time": 1})
    with pytest.raises(Damaged, match=r"00001.bin after Denoise: a recording must contain events; got none"):
        ready(root, transforms=[none_left])


def test_a_transform_that_gives_no_events_is_named(root):
    to_frame = instantiate({"_target_": "tonic.transforms.ToFrame", "sensor_size": [34, 34, 2], "n_time_bins": 2})
    with pytest.raises(ValueError, match=r"00001.bin after ToFrame: a transform must return events with x, y, t and p; got"):
        ready(root, transforms=[to_frame], skip_bad=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"timesteps": 0}, "NMNIST: timesteps must be at least 1; got 0"),
        ({"binning": "number"}, "NMNIST: binning must be one of count, time; got number"),
        ({"size": 35}, r"NMNIST: size must lie in 1\.\.34, or be null; got 35"),
        ({"size": 0}, r"NMNIST: size must lie in 1\.\.34, or be null; got 0"),
        ({"variant": "tonic"}, "NMNIST: variant must be one of official; got tonic"),
        (
            {"transforms": [lambda events: events]},
            "NMNIST: the repr of a transform must contain its arguments, as in tonic; got <func",
        ),
        ({"batch_size": 0}, "NMNIST: batch_size must be at least 1; got 0"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        nmnist(tmp_path, **changed)


def test_missing_recordings_name_the_places_and_the_command(tmp_path):
    message = (
        rf"^nmnist: recordings must be below {tmp_path}; expected NMNIST/{{Train,Test}}/0..9/\*.bin, or another layout"
        rf"; see snnx prepare nmnist --root {tmp_path}$"
    )
    with pytest.raises(NoData, match=message):
        ready(tmp_path)


def test_a_part_alone_is_no_data(root):
    for path in root.glob("NMNIST/Test/*/*.bin"):
        path.unlink()
    with pytest.raises(
        NoData, match=r"must be below .*; got NMNIST/{Train,Test}/0\.\.9/\*\.bin without test; see snnx prepare"
    ):
        ready(root)


def test_no_root_is_refused():
    with pytest.raises(ValueError, match=r"nmnist: root must be a folder; got null; set dataset\.root or SNNX_DATA"):
        NMNIST(batch_size=8, validation=0.1, augmentation=none, seed=0, timesteps=3).setup()


CONVERT = """
import sys
from snnx.augmentation.none import none
from snnx.dataset.nmnist import NMNIST, read_bin
import snnx.dataset.nmnist as module

def slow(path):
    print("reading", flush=True)
    import time; time.sleep(float(sys.argv[2]))
    return read_bin(path)

module.find.__globals__["read_bin"] = slow
NMNIST(root=sys.argv[1], batch_size=8, validation=0.25, augmentation=none, seed=0, timesteps=3).setup()
"""


def converting(root, delay: float) -> subprocess.Popen:
    """Another process that converts, with a pause before each recording."""
    words = [sys.executable, "-c", CONVERT, str(root), str(delay)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_conversion_leaves_nothing_that_is_taken_for_frames(root):
    process = converting(root, 0.2)
    for _ in range(5):
        assert process.stdout.readline() == "reading\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left,) = caches(root)
    assert left.name.endswith(".partial")
    assert ready(root).split_counts == {"train": 15, "val": 5, "test": 10}
    (made,) = caches(root)
    assert made == left.with_name(left.name.removesuffix(".partial"))


def test_remains_of_another_key_are_removed_unless_they_are_being_made(root):
    folder = root / ".snnx_cache"
    for name in ("nmnist-dead", "nmnist-alive"):
        (folder / f"{name}.partial").mkdir(parents=True)
    with (folder / "nmnist-alive.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = nmnist(root).convert()
    assert caches(root) == sorted([made, folder / "nmnist-alive.partial"])


def test_a_lock_that_is_a_link_changes_nothing(root, tmp_path):
    """A data set from somebody else may bring one; the file that it leads to was emptied."""
    folder = root / ".snnx_cache"
    (folder / "nmnist-dead.partial").mkdir(parents=True)
    (tmp_path / "notes").write_text("mine")
    (folder / "nmnist-dead.lock").symlink_to(tmp_path / "notes")
    nmnist(root).convert()
    assert (tmp_path / "notes").read_text() == "mine"


def test_where_a_linked_cache_leads_nothing_is_written_or_removed(root, tmp_path, monkeypatch):
    (tmp_path / "own" / "download.partial").mkdir(parents=True)
    (root / ".snnx_cache").symlink_to(tmp_path / "own")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert nmnist(root).convert().parent == tmp_path / "xdg/snnx"
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["download.partial"]


def test_frames_lie_elsewhere_where_the_root_cannot_be_written(root, tmp_path, monkeypatch, capsys):
    (root / ".snnx_cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert nmnist(root).convert().parent == tmp_path / "xdg/snnx"
    told = f"snnx: frames are stored in {tmp_path}/xdg/snnx, since {root}/.snnx_cache cannot be written\n"
    assert capsys.readouterr().err == told
    assert nmnist(root).convert().parent == tmp_path / "xdg/snnx"
    assert capsys.readouterr().err == ""


def test_frames_lie_where_the_environment_says(root, tmp_path, monkeypatch):
    monkeypatch.setenv("SNNX_CACHE", str(tmp_path / "chosen"))
    assert nmnist(root).convert().parent == tmp_path / "chosen"
    assert not (root / ".snnx_cache").exists()
    (tmp_path / "file").touch()
    monkeypatch.setenv("SNNX_CACHE", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"file must be writable, since frames are stored there; got .*; or set SNNX_CACHE"):
        nmnist(root).convert()


@pytest.mark.slow
def test_of_two_processes_one_converts_and_the_other_waits(root):
    first = converting(root, 0.1)
    assert first.stdout.readline() == "reading\n"
    first.send_signal(signal.SIGSTOP)  # until the other has come to the lock
    second = converting(root, 0.0)
    said = second.stderr.readline()
    first.send_signal(signal.SIGCONT)
    (first_out, first_err), (second_out, second_err) = first.communicate(), second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), first_err + second_err
    assert first_out.count("reading") == 29
    assert "reading" not in second_out
    assert "waiting for another process, which is writing" in said
    assert len(caches(root)) == 1


@pytest.mark.skipif(not (Path(os.environ.get("SNNX_DATA", "data")) / "NMNIST").is_dir(), reason="no N-MNIST here")
def test_the_real_recordings_are_sound_and_carry_the_labels_of_their_mnist_numbers(tmp_path):
    """A file is named after its place in MNIST, counted from 1: its folder must be that digit's label."""
    data = Path(os.environ["SNNX_DATA"]).absolute()
    (tmp_path / "NMNIST").symlink_to(data / "NMNIST")
    started = time.monotonic()
    dataset = ready(tmp_path)
    assert time.monotonic() - started < 60
    assert dataset.split_counts["test"] >= 100
    raw = data / "MNIST/raw"
    if not raw.is_dir():
        pytest.skip("no MNIST to compare with")
    from snnx.dataset import idx

    for part, name in (("Train", "train"), ("Test", "t10k")):
        labels = idx.read(raw / f"{name}-labels-idx1-ubyte")
        for path in (data / "NMNIST" / part).glob("*/*.bin"):
            assert labels[int(path.stem) - 1] == int(path.parent.name), path


@pytest.mark.parametrize("option", ["nmnist", "event_digits", "dvs128_gesture", "cifar10_dvs"])
def test_the_option_builds_its_set(option, tmp_path):
    none_ = {"_target_": "snnx.augmentation.none.none", "_partial_": True}
    loaded = OmegaConf.load(shipped("conf") / "dataset" / f"{option}.yaml")
    config = OmegaConf.create({"seed": 0, "timesteps": 5, "augmentation": none_, "dataset": loaded})
    dataset = component(OmegaConf.to_container(config, resolve=True), "dataset")
    assert dataset.option == option
    assert dataset.variant == dataset.variants[0]
    assert dataset.sample_shape == (5, 2, dataset.sensor, dataset.sensor)
