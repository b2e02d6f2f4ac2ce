"""What prevents that results are written is named in one line, and so is what a file system cannot promise."""

import errno
import fcntl
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from snnx.record.lock import acquire, supported
from snnx.record.storage import check_storage, obstacle, shortcomings
from snnx.record.write import write


@pytest.fixture
def small(tmp_path):
    """A function that mounts a small file system in memory; for users who may not mount, the test is skipped."""
    mounted = []

    def mount(options: str):
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
        if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("needs the right to mount a small file system")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_folder_that_can_be_written_has_no_obstacle_and_nothing_stays(tmp_path):
    assert check_storage(tmp_path / "outputs") == []
    assert list((tmp_path / "outputs").iterdir()) == []


def test_a_full_disk_is_named(small):
    disk = small("size=64k")
    with pytest.raises(OSError, match="No space"):
        (disk / "filler").write_bytes(bytes(100_000))
    message = f"{disk}/outputs must be writable; got No space left on device: make room there"
    assert obstacle(disk / "outputs") == message
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_storage(disk / "outputs")


def test_a_disk_without_inodes_is_named(small):
    disk = small("size=1m,nr_inodes=4")
    for number in range(3):
        (disk / str(number)).touch()
    assert (
        obstacle(disk)
        == f"{disk} must be writable; got No space left on device: no inodes are left, so remove some files there"
    )


def test_a_read_only_disk_is_named(small):
    disk = small("size=1m")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert obstacle(disk / "outputs") == (
        f"{disk}/outputs must be writable; got Read-only file system: go to a folder of your own"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_named(tmp_path):
    tmp_path.chmod(0o555)
    assert obstacle(tmp_path / "outputs").endswith("must be writable; got Permission denied: go to a folder of your own")


def test_a_link_into_nowhere_and_a_file_are_named(tmp_path):
    (tmp_path / "outputs").symlink_to(tmp_path / "disk")
    message = f"{tmp_path}/outputs must be a folder or a link to one; got a link to {tmp_path}/disk, which does not exist"
    assert obstacle(tmp_path / "outputs") == message
    write(tmp_path / "file", "")
    assert obstacle(tmp_path / "file").startswith(f"{tmp_path}/file must be a folder, because results are written there; got a")


def test_a_file_system_without_locks_is_named_and_used(tmp_path, monkeypatch):
    def flock(file, how):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    (line,) = shortcomings(tmp_path)
    assert line.startswith(
        f"{tmp_path} is on a file system without locks (flock), so two commands at once may compute the same"
    )
    with (tmp_path / "a").open("w") as first, (tmp_path / "a").open("w") as second:
        assert acquire(first)
        assert acquire(second)


def test_other_errors_of_a_lock_are_raised(tmp_path, monkeypatch):
    def flock(file, how):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    with (tmp_path / "a").open("w") as file, pytest.raises(OSError, match="Input/output error"):
        acquire(file)


def test_a_file_system_that_cannot_sync_folders_is_named_and_used(tmp_path, monkeypatch):
    real = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    (line,) = shortcomings(tmp_path)
    assert line.startswith(f"{tmp_path} is on a file system that cannot sync folders, so the last results may be missing after")
    assert write(tmp_path / "file", "text").read_text() == "text"


def test_a_link_in_place_of_the_tried_lock_empties_nothing(tmp_path):
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / ".lock").symlink_to(tmp_path / "notes")
    with pytest.raises(OSError, match="symbolic links"):
        supported(tmp_path / "outputs")
    assert (tmp_path / "notes").read_text() == "mine"


def test_commands_that_ask_at_the_same_time_do_not_disturb_each_other(tmp_path):
    """Each tries to write a file of its own; with a common name, one removed the file of another."""
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: obstacle(tmp_path / "outputs"), range(400))) == {None}
    assert list((tmp_path / "outputs").iterdir()) == []
