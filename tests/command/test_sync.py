"""What was logged offline is uploaded later, or a line says what stands in the way."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from snnx.command import sync
from snnx.command.sync import main, unsent

PARTS = ("offline-run-20261122_110000-ab", "offline-run-20261122_120000-ab")


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """A run that was resumed once, both times offline."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "outputs" / "runs" / "ab"
    for part in PARTS:
        (folder / "wandb" / part).mkdir(parents=True)
        (folder / "wandb" / part / "run-ab.wandb").write_bytes(b":W&B")
    link = tmp_path / "outputs" / "demo_neurons" / "PLIF,seed=0"
    link.parent.mkdir()
    link.symlink_to("../runs/ab")
    return folder


def test_a_part_is_unsent_until_wandb_has_marked_it(run):
    assert [path.parent.name for path in unsent(run)] == list(PARTS)
    (run / "wandb" / PARTS[0] / "run-ab.wandb.synced").touch()
    assert [path.parent.name for path in unsent(run)] == [PARTS[1]]


def test_nothing_to_upload_needs_no_account(run, capsys):
    for part in PARTS:
        (run / "wandb" / part / "run-ab.wandb.synced").touch()
    assert main(["demo_neurons"]) == 0
    assert "nothing of demo_neurons waits" in capsys.readouterr().out


def test_without_a_key_one_line_says_what_to_do(run, capsys):
    assert main(["demo_neurons"]) == 1
    said = capsys.readouterr()
    assert said.err == "snnx sync: 1 run is to upload, but no key of W&B is known: run `wandb login`, or set WANDB_API_KEY\n"
    assert said.out == ""


@pytest.mark.parametrize("place", ["environment", "netrc"])
def test_a_closed_port_is_told_at_once(place, run, tmp_path, monkeypatch, capsys):
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    if place == "environment":
        monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    else:
        (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user password {'a' * 40}\n")
        (tmp_path / "netrc").chmod(0o600)
    assert main(["demo_neurons"]) == 1
    said = capsys.readouterr().err
    assert f"W&B must be reachable at http://127.0.0.1:{port} (Connection refused)" in said
    assert said.count("\n") == 1


def test_no_such_sweep(run, capsys):
    assert main(["nothing"]) == 2
    assert "sweep must be one of" in capsys.readouterr().err


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """A server that answers every question with 401, as W&B does to a wrong key."""

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b'{"errors":[{"message":"user is not logged in"}]}')

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_refusal_of_the_server_is_a_failure_though_wandb_ends_with_0(tmp_path, run, monkeypatch, capsys):
    import wandb

    with wandb.init(mode="offline", dir=str(tmp_path), id="ab", project="p", settings=wandb.Settings(silent=True)) as one:
        one.log({"epoch": 1})
    wandb.teardown()
    (real,) = tmp_path.glob("wandb/offline-run-*/run-ab.wandb")
    (run / "wandb" / PARTS[0] / "run-ab.wandb").write_bytes(real.read_bytes())
    (run / "wandb" / PARTS[1] / "run-ab.wandb").unlink()
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    with refusing() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        assert main(["demo_neurons"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("PLIF seed=0: not uploaded: ")
    assert "user is not logged in" in said
    assert said.count("\n") == 1


def test_a_server_that_never_answers_is_left_after_a_while(run, monkeypatch, capsys):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(sync, "LIMIT_S", 0.2)
        assert main(["demo_neurons"]) == 1
    assert capsys.readouterr().out == "PLIF seed=0: not uploaded: no end within 0.2 s\n"
