"""`snnx sync` uploads offline logs, or says in one line why it cannot."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from snnx.command import sync
from snnx.command.sync import main, unsent

RUN = "0123456789abcdef"
PARTS = ("offline-run-20261122_110000-ab", "offline-run-20261122_120000-ab")


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """A run that was continued once, with an offline log of each part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "outputs" / "runs" / RUN
    for part in PARTS:
        (folder / "wandb" / part).mkdir(parents=True)
        (folder / "wandb" / part / "run-ab.wandb").write_bytes(b":W&B")
    link = tmp_path / "outputs" / "demo_neurons" / "PLIF,seed=0"
    link.parent.mkdir()
    link.symlink_to(f"../runs/{RUN}")
    return folder


def test_a_log_is_unsent_until_wandb_has_written_its_synced_file(run):
    assert [path.parent.name for path in unsent(run)] == list(PARTS)
    (run / "wandb" / PARTS[0] / "run-ab.wandb.synced").touch()
    assert [path.parent.name for path in unsent(run)] == [PARTS[1]]


def test_without_logs_to_upload_no_account_is_needed(run, capsys):
    for part in PARTS:
        (run / "wandb" / part / "run-ab.wandb.synced").touch()
    assert main(["demo_neurons"]) == 0
    assert "demo_neurons has no offline logs to upload" in capsys.readouterr().out


def test_without_a_key_one_line_says_what_to_do(run, capsys):
    assert main(["demo_neurons"]) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        "snnx sync: 1 run has to be uploaded, but no W&B API key is known: run `wandb login`, or set WANDB_API_KEY\n"
    )
    assert printed.out == ""


@pytest.mark.parametrize("place", ["environment", "netrc"])
def test_an_unreachable_server_is_reported_in_one_line(place, run, tmp_path, monkeypatch, capsys):
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
    printed = capsys.readouterr().err
    assert f"W&B must be reachable at http://127.0.0.1:{port} (Connection refused)" in printed
    assert printed.count("\n") == 1


def test_unknown_sweep(run, capsys):
    assert main(["nothing"]) == 2
    assert "sweep must be one of" in capsys.readouterr().err


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """A server that answers every request with 401, as W&B does for a wrong key."""

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
def test_an_upload_that_the_server_rejects_counts_as_failed_though_wandb_exits_0(tmp_path, run, monkeypatch, capsys):
    import wandb

    with wandb.init(mode="offline", dir=str(tmp_path), id="ab", project="p", settings=wandb.Settings(silent=True)) as log:
        log.log({"epoch": 1})
    wandb.teardown()
    (real,) = tmp_path.glob("wandb/offline-run-*/run-ab.wandb")
    (run / "wandb" / PARTS[0] / "run-ab.wandb").write_bytes(real.read_bytes())
    (run / "wandb" / PARTS[1] / "run-ab.wandb").unlink()
    # files of the current folder, which may come from somebody else, change nothing
    (tmp_path / "wandb" / "settings").write_text("[default]\nbase_url = http://127.0.0.1:9\n")
    for module in ("yaml", "click"):
        (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    with refusing() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        assert main(["demo_neurons"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("PLIF seed=0: not uploaded: ")
    assert "user is not logged in" in printed
    assert not (tmp_path / "ran").exists()
    assert printed.count("\n") == 1


def test_an_upload_to_a_server_that_never_answers_is_given_up(run, monkeypatch, capsys):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(sync, "LIMIT_S", 0.2)
        assert main(["demo_neurons"]) == 1
    assert capsys.readouterr().out == "PLIF seed=0: not uploaded: not finished within 0.2 s\n"
