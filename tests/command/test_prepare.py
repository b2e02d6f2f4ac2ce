"""`snnx prepare`: one line per file, one process at a time, and no incomplete files."""

import fcntl
import gzip
import hashlib
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torchvision

from snnx.command.prepare import main
from snnx.dataset import idx
from snnx.dataset.examine import examine
from snnx.dataset.mnist import MNIST
from snnx.dataset.published import PublishedFile


def idx_bytes(values: np.ndarray) -> bytes:
    return np.array([0x0800 + values.ndim, *values.shape], dtype=">i4").tobytes() + values.astype(np.uint8).tobytes()


def contents(samples: int = 3) -> dict[str, bytes]:
    """The files of an MNIST with very few samples, by name."""
    images, labels = idx_bytes(np.zeros((samples, 28, 28))), idx_bytes(np.arange(samples))
    return {Path(file.path).name: images if "images" in file.path else labels for file in MNIST.files}


def write(root: Path, files: dict[str, bytes]) -> Path:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """A web server on this machine with the files; torchvision's lists of mirrors and checksums are changed to it."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    packed = {f"{name}.gz": gzip.compress(content) for name, content in contents().items()}
    for name, content in packed.items():
        (shelf / name).write_bytes(content)

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, format, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(shelf)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    official = torchvision.datasets.MNIST
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(official, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(official, "resources", [(n, hashlib.md5(c).hexdigest()) for n, c in packed.items()])
    yield shelf
    server.shutdown()
    thread.join()
    server.server_close()


def everything(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_missing_files_are_downloaded_once(tmp_path, publisher, capsys):
    root = tmp_path / "data"
    assert main(["mnist", "--root", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"partial {root}/MNIST/raw/train-images-idx3-ubyte: 3 of 60000 samples"
    assert len(lines) == 4
    assert everything(root) == sorted([".snnx-prepare.lock", *(file.path for file in MNIST.files)])
    for file in publisher.iterdir():
        file.unlink()  # so that a second download would fail
    assert main(["mnist", "--root", str(root)]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_existing_files_are_kept(tmp_path, publisher):
    kept = contents(5)
    raw = write(tmp_path / "data", {name: content for name, content in kept.items() if "train" in name})
    assert main(["mnist", "--root", str(tmp_path / "data")]) == 0
    for name, content in kept.items():
        assert (raw / name).read_bytes() == (content if "train" in name else contents(3)[name])


def test_a_failed_download_is_reported_in_one_line_and_leaves_no_files(tmp_path, publisher, capsys):
    (publisher / "t10k-labels-idx1-ubyte.gz").write_bytes(b"half")  # the last of the four
    root = tmp_path / "data"
    assert main(["mnist", "--root", str(root)]) == 1
    printed = capsys.readouterr()
    failure = [line for line in printed.err.splitlines() if line.startswith("snnx prepare")]
    assert len(failure) == 1
    assert "download failed (Error downloading t10k-labels-idx1-ubyte.gz" in failure[0]
    assert [line.split()[0] for line in printed.out.splitlines()] == ["missing"] * 4
    assert everything(root) == [".snnx-prepare.lock"]


def test_an_unreachable_server_is_reported_in_one_line(tmp_path, monkeypatch, capsys):
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    server.server_close()  # a port that nobody listens on
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    assert main(["mnist", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("snnx prepare mnist: download failed (")
    assert printed.err.count("\n") == 1
    assert printed.out.splitlines()[0] == (
        f"missing {tmp_path}/MNIST/raw/train-images-idx3-ubyte: publisher's file: {MNIST.files[0].url}"
    )


def test_files_of_a_killed_download_are_removed(tmp_path, publisher):
    remains = tmp_path / "data/.snnx-prepare.partial/MNIST/raw/train-images-idx3-ubyte"
    remains.parent.mkdir(parents=True)
    remains.write_bytes(b"half")
    assert main(["mnist", "--root", str(tmp_path / "data")]) == 0
    assert everything(tmp_path / "data") == sorted([".snnx-prepare.lock", *(file.path for file in MNIST.files)])


def test_links_in_a_received_folder_lead_nowhere(tmp_path, publisher):
    """Archives where they lead were deleted, and the file of the lock was emptied."""
    own = tmp_path / "own"
    own.mkdir()
    for name in ("thesis.zip", "photos.gz", "notes"):
        (own / name).write_text("mine")
    root = tmp_path / "data"
    root.mkdir()
    (root / ".snnx-prepare.partial").symlink_to(own)
    (root / ".snnx-prepare.lock").symlink_to(own / "notes")
    assert main(["mnist", "--root", str(root)]) == 0
    assert {path.name: path.read_text() for path in own.iterdir()} == dict.fromkeys(
        ("thesis.zip", "photos.gz", "notes"), "mine"
    )
    assert all((root / file.path).is_file() for file in MNIST.files)


def test_with_a_damaged_file_nothing_is_downloaded(tmp_path, capsys):
    files = contents()
    del files["t10k-labels-idx1-ubyte"]
    raw = write(tmp_path, files | {"train-images-idx3-ubyte": b"half"})
    assert main(["mnist", "--root", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["damaged", "partial", "partial", "missing"]
    assert lines[0].startswith(f"damaged {raw}/train-images-idx3-ubyte: must be a complete idx file; got 4 bytes")


def test_states_of_files_with_and_without_the_published_checksum(tmp_path):
    whole, other = idx_bytes(np.arange(4)), idx_bytes(np.arange(4) + 1)
    published = hashlib.md5(whole).hexdigest()
    files = tuple(PublishedFile(name, published, 4, "http://example.org") for name in "abc")
    for name, content in zip("abc", (whole, other, idx_bytes(np.arange(2))), strict=True):
        (tmp_path / name).write_bytes(content)
    found = examine(SimpleNamespace(files=files, samples_in=idx.samples_in), tmp_path)
    assert found == [
        ("ok", f"{tmp_path}/a"),
        ("altered", f"{tmp_path}/b: its md5 must be {published}; remove it and run this again"),
        ("partial", f"{tmp_path}/c: 2 of 4 samples"),
    ]


def test_a_second_process_waits_for_the_first(tmp_path, capsys):
    write(tmp_path, contents())
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["mnist", "--root", str(tmp_path)])))
    with (tmp_path / ".snnx-prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive()
    thread.join(timeout=30)
    assert codes == [0]
    assert "waiting for another `snnx prepare`" in capsys.readouterr().err


def test_digits_need_no_files(tmp_path, capsys):
    assert main(["digits", "--root", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == "digits: nothing to do, it needs no files\n"
    assert not (tmp_path / "data").exists()


def test_a_root_that_is_a_file_is_reported_in_one_line(tmp_path, capsys):
    (tmp_path / "data").write_text("")
    assert main(["mnist", "--root", str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err.startswith(f"snnx prepare mnist: {tmp_path}/data must be writable; got ")


def test_the_root_defaults_to_snnx_data(tmp_path, monkeypatch, capsys):
    write(tmp_path, contents())
    monkeypatch.setenv("SNNX_DATA", str(tmp_path))
    assert main(["mnist"]) == 0
    assert str(tmp_path) in capsys.readouterr().out


def test_help_has_an_example_and_an_unknown_name_gets_a_suggestion(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "example: snnx prepare nmnist size=32 --timesteps 8" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["mnits"])
    assert "got mnits; did you mean mnist?" in capsys.readouterr().err


def test_importing_the_command_loads_neither_torch_nor_hydra():
    check = "import sys, snnx.command.prepare; sys.exit(any(name in sys.modules for name in ('torch', 'hydra', 'omegaconf')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_folder_given_without_its_option_gets_a_hint(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["folder", "pics"])
    text = "KEY=VALUE must be left out for folder, which has no frames; got pics"
    assert f"{text}: write --root pics if it is the folder of the files" in capsys.readouterr().err


def test_archives_that_are_there_are_unpacked_without_a_network(tmp_path, publisher, capsys):
    raw = tmp_path / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for path in publisher.iterdir():
        path.rename(raw / path.name)
    assert main(["mnist", "--root", str(tmp_path / "data")]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["partial"] * 4
    assert len(list(raw.glob("*.gz"))) == 4, "what the user has put there must stay"
