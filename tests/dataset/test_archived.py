"""Contract of `snnx prepare` for recordings: what is there, or where it is; fetched whole, and made into frames once."""

import hashlib
import os
import re
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from snnx.augmentation.none import none
from snnx.command.prepare import main
from snnx.dataset.cifar10_dvs import CIFAR10DVS
from snnx.dataset.dvs128_gesture import DVS128Gesture
from snnx.dataset.nmnist import NMNIST
from snnx.dataset.published import Archive
from snnx.dataset.unpack import DAMAGED, unpack

FOUND = "found   official, bin: 10 train, 10 test recordings; published 60,000 and 10,000 samples"


@pytest.fixture
def root(tmp_path, write_bin, random_events):
    for digit in range(10):
        for part in ("Train", "Test"):
            write_bin(tmp_path / f"data/NMNIST/{part}/{digit}/00001.bin", random_events(digit))
    return tmp_path / "data"


@pytest.fixture
def address(tmp_path, monkeypatch):
    """Of a publisher on this machine, who has what lies in `tmp_path/shelf`."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, format, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(shelf)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def archive(path, address, folder, variant=""):
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return Archive(path.name, md5, f"{address}/{path.name}", True, folder, variant)


@pytest.fixture
def publisher(tmp_path, monkeypatch, root, address):
    """The shelf of one who has what lies in `root`; which is empty then."""
    shelf = tmp_path / "shelf"
    for part in ("Train", "Test"):
        with zipfile.ZipFile(shelf / f"{part.lower()}.zip", "w") as packed:
            for path in sorted((root / "NMNIST" / part).rglob("*.bin")):
                packed.write(path, path.relative_to(root / "NMNIST"))
    os.rename(root, tmp_path / "original")
    monkeypatch.setattr(NMNIST, "archives", tuple(archive(path, address, "NMNIST") for path in sorted(shelf.iterdir())))
    return shelf


def test_recordings_on_the_disk_are_enough(root, capsys):
    for _ in range(2):
        assert main(["nmnist", "--root", str(root), "--timesteps", "3"]) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert first == FOUND
        assert re.fullmatch(rf"frames  {root}/\.snnx_cache/nmnist-[0-9a-f]{{16}}", second)
    assert len([path for path in (root / ".snnx_cache").iterdir() if path.is_dir()]) == 1


def test_the_frames_are_those_of_a_run_with_the_same_values(root, capsys):
    assert main(["nmnist", "size=17", "binning=time", "--root", str(root), "--timesteps", "3"]) == 0
    made = Path(capsys.readouterr().out.splitlines()[1].split()[1])
    data = NMNIST(root=str(root), timesteps=3, size=17, binning="time", batch_size=2, validation=0.0, augmentation=none, seed=0)
    assert data.convert() == made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nmnist", "sise=17"], r"KEY=VALUE must set one of .*size.*; got sise; did you mean size\?"),
        (["mnist", "size=17"], "KEY=VALUE must be left out for mnist, which has no frames; got size=17"),
    ],
)
def test_a_value_that_nothing_reads_is_refused(root, words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--root", str(root)])
    assert re.search(message, capsys.readouterr().err)


def test_recordings_that_can_only_be_read_are_enough(root, tmp_path, monkeypatch, capsys):
    (root / ".snnx-prepare.lock").mkdir()  # which no user can open as a file, not even root
    (root / ".snnx_cache").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert main(["nmnist", "--root", str(root), "--timesteps", "3"]) == 0
    assert f"frames  {tmp_path}/xdg/snnx/nmnist-" in capsys.readouterr().out


def test_what_is_missing_is_fetched_and_no_archive_stays(root, publisher, capsys):
    assert main(["nmnist", "--root", str(root), "--timesteps", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == FOUND
    assert not list(root.rglob("*.zip"))
    assert len(list(root.rglob("*.bin"))) == 20


def test_a_download_that_fails_leaves_nothing(root, publisher, capsys):
    (publisher / "train.zip").write_bytes(b"half")
    assert main(["nmnist", "--root", str(root)]) == 1
    printed = capsys.readouterr()
    assert "snnx prepare nmnist: download failed (" in printed.err
    assert [line.split()[0] for line in printed.out.splitlines()] == ["missing", "missing"]
    assert sorted(path.name for path in root.rglob("*")) == [".snnx-prepare.lock"]


def test_a_damaged_recording_is_named(root, capsys):
    (root / "NMNIST/Test/3/00001.bin").write_bytes(b"123")
    assert main(["nmnist", "--root", str(root)]) == 1
    assert re.match(r"snnx prepare nmnist: .*Test/3/00001.bin: must be a multiple of 5 bytes", capsys.readouterr().err)


def test_what_no_program_can_fetch_is_said(tmp_path, capsys):
    assert main(["dvs128_gesture", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out.count("it cannot be downloaded automatically: download and unpack it by hand") == 1
    assert "by hand; --variant tonic can be fetched" in printed.err
    assert (
        f"spikingjelly, {tmp_path}/DvsGesture: publisher's file DvsGesture.tar.gz (md5 8a5c71fb11e24e5ca5b11866ca6c00a1)"
        in printed.out
    )
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("other", [False, True])
def test_a_variant_is_fetched_by_itself(tmp_path, write_npz, random_events, other, monkeypatch, capsys, address):
    """Tonic's archives of DVS128 Gesture; the other variant's is never asked for, and if that is there it is named too."""
    archives = []
    for part in ("Train", "Test"):
        recording = tmp_path / f"src/ibmGesture{part}/user01_led/0.npy"
        recording.parent.mkdir(parents=True)
        np.save(recording, np.array([[1.0, 2.0, 1.0, 3.0], [4.0, 5.0, 0.0, 6.0]]))
        packed = tmp_path / f"shelf/ibmGesture{part}.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(recording.parent.parent, f"ibmGesture{part}")
        archives.append(archive(packed, address, "DVSGesture", "tonic"))
    monkeypatch.setattr(DVS128Gesture, "archives", (DVS128Gesture.archives[0], *archives))
    root = tmp_path / "data"
    for part in ("train", "test") if other else ():
        write_npz(root / f"DVS128Gesture/events_np/{part}/0/user01_led_0.npz", random_events(0))
    assert main(["dvs128_gesture", "--root", str(root), "--variant", "tonic", "--timesteps", "1"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "found   tonic, npy: 1 train, 1 test recordings; published 1,077 and 264 samples"
    assert second.startswith("found   spikingjelly, events_np: 1 train, 1 test" if other else "frames")
    with pytest.raises(SystemExit):
        main(["dvs128_gesture", "--root", str(root), "--variant", "ibm"])
    assert "--variant must be one of spikingjelly, tonic; got ibm" in capsys.readouterr().err


def test_simulated_digits_need_nothing(tmp_path, capsys):
    assert main(["event_digits", "--root", str(tmp_path), "--timesteps", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "found   official, simulated: 30 train, 6 test recordings; published 1,500 and 297 samples"
    )


def test_checksums_are_the_libraries(spikingjelly_events):
    """Golden: the lists of tonic and SpikingJelly."""
    from tonic.datasets import NMNIST as TonicNMNIST
    from tonic.datasets import DVSGesture

    ours = {archive.name: archive.md5 for archive in NMNIST.archives}
    assert ours == {"train.zip": TonicNMNIST.train_md5, "test.zip": TonicNMNIST.test_md5}
    assert [archive.url for archive in NMNIST.archives] == [TonicNMNIST.train_url, TonicNMNIST.test_url]
    original, train, test = DVS128Gesture.archives
    assert (train.md5, test.md5) == (DVSGesture.train_md5, DVSGesture.test_md5)
    jelly = spikingjelly_events.dvs128_gesture.DVS128Gesture.resource_url_md5()[0]
    assert (original.name, original.url, original.md5) == jelly
    theirs = spikingjelly_events.cifar10_dvs.CIFAR10DVS.resource_url_md5()
    assert [(a.name, a.md5, a.url.rpartition("/")[2]) for a in CIFAR10DVS.archives] == [
        (name, md5, url.rpartition("/")[2]) for name, url, md5 in theirs
    ]


def test_a_class_without_recordings_is_said(root, capsys):
    for path in root.glob("NMNIST/*/[27]/*.bin"):
        path.unlink()
    assert main(["nmnist", "--root", str(root), "--timesteps", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "partial no recordings of class 2, 7: is the copy complete?"
    for path in root.glob("NMNIST/Train/4/*.bin"):
        path.unlink()
    assert main(["nmnist", "--root", str(root), "--timesteps", "3"]) == 1
    message = "NMNIST: train must have samples of every class in test; got none of class 4, of which test has 1: copy or"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("names", [("train.zip", "test.zip"), ("Train.zip", "Test.zip")])
@pytest.mark.parametrize("place", ["NMNIST", "."])
def test_archives_that_are_there_are_unpacked_without_a_network(root, publisher, capsys, names, place):
    (root / place).mkdir(parents=True)
    for name in names:
        os.rename(publisher / name.lower(), root / place / name)  # the publisher has them no longer
    assert main(["nmnist", "--root", str(root), "--timesteps", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == FOUND
    assert all((root / place / name).is_file() for name in names), "what the user has put there must stay"


def test_an_archive_that_is_not_the_publishers_is_named(root, publisher, capsys):
    (root / "NMNIST").mkdir(parents=True)
    (root / "NMNIST/Train.zip").write_bytes(b"half")
    assert main(["nmnist", "--root", str(root)]) == 1
    checksum = hashlib.md5(b"half").hexdigest()
    message = f"Train.zip must be the publisher's file, with md5 {NMNIST.archives[1].md5}; got {checksum}: remove it or copy"
    assert message in capsys.readouterr().err
    assert (root / "NMNIST/Train.zip").read_bytes() == b"half"


def test_an_archive_writes_only_below_its_folder(tmp_path):
    """A tar file from somebody else may have members with names such as `../outside`."""
    (tmp_path / "a").touch()
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "a", "../outside")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DAMAGED, match="outside"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "folder")
    assert not (tmp_path / "outside").exists()
