"""Outputs on any disk: moved, copied, linked, without locks, full, read-only; and a temporary folder with a long path."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
QUICK = ["timesteps=2", "trainer.max_epochs=2", "budget.samples=0.1", "trainer.accelerator=cpu"]
LACKING = """
import errno, fcntl, os, stat

def flock(file, how):
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

sync = os.fsync

def fsync(handle):
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    sync(handle)

fcntl.flock, os.fsync = flock, fsync
"""
JUMPING = """
import itertools, time

present, jumps = time.time, itertools.cycle((0, 86_400, -400_000_000, 3_000_000_000))
time.time = lambda: present() + next(jumps)
"""


@pytest.fixture
def small(shell):
    """A function that mounts a small file system in the shell's folder; for users who may not mount, the test is skipped."""

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", shell.folder]
        if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("needs the right to mount a small file system")
        return shell.folder

    yield mount
    if os.path.ismount(shell.folder):
        subprocess.run(["umount", "-l", shell.folder], check=True)


def patched(shell, tmp_path_factory, text: str) -> None:
    """Let every Python process of the shell begin with this code."""
    folder = tmp_path_factory.mktemp("patched")
    (folder / "sitecustomize.py").write_text(text)
    shell.env["PYTHONPATH"] = f"{folder}{os.pathsep}{shell.site}"


def ended(shell, *words: str) -> tuple[int, str, str]:
    """Run a command in a new Python process, which begins with the patch."""
    process = shell.start(*words)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def wait_for(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_outputs_may_be_moved_copied_without_links_and_linked(shell, elsewhere):
    line = ["-m", "seed=0,1", *QUICK]
    assert shell.run(*line).returncode == 0
    before = {row: result["started"] for row, result in shell.results().items()}
    moved, copied, linked = elsewhere(), elsewhere(), elsewhere()
    shutil.copytree(shell.folder / "outputs", copied.folder / "outputs", symlinks=False)  # as `cp -rL` copies
    shutil.move(shell.folder / "outputs", moved.folder / "outputs")
    shutil.copytree(moved.folder / "outputs", linked.folder / "disk" / "o", symlinks=True)
    (linked.folder / "outputs").symlink_to("disk/o")
    for place in (copied, moved, linked):
        status = place.run("status", "single")
        assert "2 of 2 done" in status.stdout, status.stdout + status.stderr
        again = place.run(*line)
        assert again.returncode == 0, again.stderr
        assert again.stdout.count("done before") == 2, again.stdout
        assert {row: result["started"] for row, result in place.results().items()} == before
        links = [path for path in (place.folder / "outputs" / "single").glob("seed=*") if path.is_symlink()]
        assert [path.exists() for path in links] == [True, True]


def test_a_run_that_was_copied_without_links_is_evaluated_and_continued(shell, elsewhere):
    """The run is stopped after an epoch, and its outputs are copied."""
    line = ["seed=0", *QUICK[:1], *QUICK[2:], "trainer.max_epochs=60"]
    process = shell.start(*line)
    wait_for(lambda: list(shell.folder.glob("outputs/runs/*/ckpt/epoch=*.ckpt")))
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    copied = elsewhere()
    shutil.copytree(shell.folder / "outputs", copied.folder / "outputs", symlinks=False)
    again = copied.run(*line)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "resumed at epoch" in again.stdout
    (name,) = (copied.folder / "outputs" / "single").glob("seed=*")
    assert name.is_symlink()
    (copied.folder / "by_row").mkdir()
    folder = shutil.copytree(name, copied.folder / "by_row" / "LIF")
    found = copied.run("evaluate", f"checkpoint={folder}")
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("words", [["seed=0"], ["-m", "seed=0,1"]], ids=["single", "sweep"])
def test_a_link_into_nowhere_is_named(shell, words):
    (shell.folder / "outputs").symlink_to("disk")
    done = shell.run(*words, *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"snnx: .*/outputs must be a folder or a link to one; got a link to disk, which .*\n", done.stderr)


@pytest.mark.parametrize(
    "words", [pytest.param(["seed=0"], id="single"), pytest.param(["-m", "seed=0,1"], id="sweep", marks=pytest.mark.faults)]
)
def test_without_locks_and_without_sync_of_folders_it_works_and_says_so(shell, tmp_path_factory, words):
    patched(shell, tmp_path_factory, LACKING)
    code, out, err = ended(shell, *words, *QUICK)
    assert code == 0, err
    assert out.count("is on a file system without locks (flock)") == 1
    assert out.count("is on a file system that cannot sync folders") == 1
    assert ended(shell, "status", "single")[0] == 0
    code, out, err = ended(shell, *words, *QUICK)
    assert (code, "done before" in out) == (0, True)


@pytest.mark.faults
def test_a_calendar_that_jumps_changes_nothing(shell, tmp_path_factory, elsewhere):
    line = ["-m", "seed=0,1", *QUICK, "hydra.launcher.n_jobs=2", "hydra.launcher.timeout_s=200"]
    patched(shell, tmp_path_factory, JUMPING)
    code, out, err = ended(shell, *line)
    assert code == 0, out + err
    whole = elsewhere()
    assert whole.run(*line).returncode == 0
    parts = ("metrics", "curves", "layers")
    numbers = [{row: [found[part] for part in parts] for row, found in one.results().items()} for one in (shell, whole)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("words", [["seed=0"], ["-m", "seed=0,1"]], ids=["single", "sweep"])
@pytest.mark.parametrize("fault", ["full", "inodes", "read-only"])
def test_a_disk_that_cannot_be_written_is_named_at_the_start(shell, small, words, fault):
    disk = small({"full": "size=64k", "inodes": "size=4m,nr_inodes=4", "read-only": "size=1m"}[fault])
    if fault == "full":
        subprocess.run(["dd", "if=/dev/zero", f"of={disk}/filler"], check=False, capture_output=True)
    if fault == "inodes":
        for number in range(3):
            (disk / str(number)).touch()
    if fault == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = shell.run(*words, *QUICK)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    full = {"full": "make room there", "inodes": "no inodes are left, so remove some files there"}
    why = f"No space left on device: {full[fault]}" if fault in full else "Read-only file system: go to a folder of your own"
    assert done.stderr == f"snnx: {disk}/outputs must be writable; got {why}\n"


def test_a_plan_needs_no_outputs(shell, small):
    subprocess.run(["mount", "-o", "remount,ro", small("size=1m")], check=True)
    done = shell.run("plan", "-m", "seed=0,1", *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("words", [["seed=0"], ["-m", "seed=0"]], ids=["single", "sweep"])
@pytest.mark.parametrize("options", ["size=200k", "size=8m,nr_inodes=16"], ids=["full", "inodes"])
def test_a_disk_that_fills_up_during_a_run_is_named(shell, small, words, options):
    small(options)
    done = shell.run(*words, *QUICK)
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed
    assert "Traceback" not in printed
    named = r"No space left on device: .*outputs/runs/|outputs/runs/\w+ must be writable; got No space left on device"
    assert re.search(named, printed), printed


def test_a_temporary_folder_with_a_long_path_works(shell, tmp_path_factory):
    """Longer than the path of a socket may be, as Slurm's are."""
    long = tmp_path_factory.mktemp("tmp") / ("x" * 120)
    long.mkdir()
    shell.env["TMPDIR"] = str(long)
    code, _, err = ended(shell, "-m", "seed=0,1", *QUICK, "hydra.launcher.n_jobs=2")
    assert (code, err) == (0, "")
    assert not list(long.glob("pymp-*"))


@pytest.mark.faults
def test_a_run_that_was_stopped_for_longer_than_its_limit_is_not_killed(shell):
    limit = 20
    line = ["-m", "neuron=faulty", "neuron.fault=stop", f"neuron.spent={shell.folder}/spent", *QUICK]
    sweep = shell.start(*line, f"hydra.launcher.timeout_s={limit}")
    spent = shell.folder / "spent"
    wait_for(lambda: spent.exists() and spent.read_text())
    time.sleep(1.5 * limit)
    os.kill(int(spent.read_text()), signal.SIGCONT)
    out, err = sweep.communicate(timeout=200)
    assert sweep.returncode == 0, out + err
