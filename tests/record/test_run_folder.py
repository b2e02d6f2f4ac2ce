"""The lock of a run names its holder and notices that it was removed; links survive moving and copying the outputs."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from snnx.record.run_folder import Busy, LockLost, hold, holder, link
from snnx.record.write import write


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "outputs" / "runs" / "ab"


def test_a_run_that_another_process_computes_is_busy_and_names_it(folder):
    code = (
        "import sys, pathlib; from snnx.record.run_folder import hold\n"
        "with hold(pathlib.Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], **pipes) as other:
        other.stdout.readline()
        name = f"process {other.pid} on {socket.gethostname()}"
        assert holder(folder) == name
        with pytest.raises(Busy, match=f"runs/ab is being computed by {name}$"), hold(folder):
            pass
        other.kill()
    with hold(folder):
        assert holder(folder) == f"process {os.getpid()} on {socket.gethostname()}"


@pytest.mark.parametrize("again", [False, True], ids=["removed", "replaced"])
def test_a_lock_that_somebody_removes_is_noticed(folder, again):
    with hold(folder) as ours:
        ours.require()
        (folder / ".lock").unlink()
        if again:
            write(folder / ".lock", "process 1 on another machine")
        assert not ours.held()
        with pytest.raises(LockLost, match=r"ab/\.lock must not be removed while its run is active; it was removed$"):
            ours.require()


def test_a_removed_folder_is_noticed(folder):
    with hold(folder) as ours:
        shutil.rmtree(folder)
        with pytest.raises(LockLost, match=r"runs/ab must not be removed while its run is active; it was removed$"):
            ours.require()


def test_a_lock_that_is_a_link_is_refused(folder, tmp_path):
    """Else a run's folder from somebody else could empty any file of the user."""
    precious = write(tmp_path / "precious", "text")
    folder.mkdir(parents=True)
    (folder / ".lock").symlink_to(precious)
    with (
        pytest.raises(
            ValueError, match=rf"\.lock must be no link, because snnx writes to it; got a link to {precious}: remove it"
        ),
        hold(folder),
    ):
        pass
    assert precious.read_text() == "text"


def made(folder: Path) -> Path:
    write(folder / "config.yaml", "seed: 0")
    write(folder / "ckpt" / "epoch=1.ckpt", b"1")
    write(folder / ".lock", "process 1 on a")
    (folder / "ckpt" / "last.ckpt").symlink_to("epoch=1.ckpt")
    return folder


def test_a_copy_without_links_gets_its_links_back(folder, tmp_path):
    """As `cp -rL outputs elsewhere` makes one."""
    link(tmp_path / "outputs" / "fig" / "A,seed=0", made(folder))
    copy = Path(shutil.copytree(tmp_path / "outputs", tmp_path / "copy", symlinks=False))
    name = copy / "fig" / "A,seed=0"
    assert not name.is_symlink()
    write(copy / "runs" / "ab" / ".lock", "process 2 on b")
    write(copy / "runs" / "ab" / "run.log", "new")
    link(name, copy / "runs" / "ab")
    assert os.readlink(name) == "../runs/ab"


@pytest.mark.parametrize("path", ["config.yaml", "notes.txt"])
def test_a_folder_that_is_no_copy_stays(folder, tmp_path, path):
    name = made(tmp_path / "outputs" / "fig" / "A,seed=0")
    write(name / path, "by the user")
    message = rf"A,seed=0 must be a link to a run; got a file or folder that differs from {made(folder)}: move it away"
    with pytest.raises(FileExistsError, match=message):
        link(name, folder)
    assert (name / path).read_text() == "by the user"


@pytest.mark.parametrize("linked", ["outputs", "outputs/runs", "outputs/fig"])
def test_links_work_if_a_folder_above_is_a_link(tmp_path, linked):
    """As of outputs that are on another disk."""
    disk = tmp_path / "disk" / "somewhere"
    disk.mkdir(parents=True)
    (tmp_path / linked).parent.mkdir(exist_ok=True)
    (tmp_path / linked).symlink_to(disk)
    folder, name = made(tmp_path / "outputs" / "runs" / "ab"), tmp_path / "outputs" / "fig" / "A,seed=0"
    for _ in range(2):
        link(name, folder)
        assert (name / "config.yaml").read_text() == "seed: 0"
