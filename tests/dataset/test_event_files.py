"""Contract of the readers: the events written in each official format come back, and anything else is named in one line."""

import os
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from snnx.dataset import aedat
from snnx.dataset.aedat import read_aedat2, read_aedat3, read_aedat4
from snnx.dataset.binning import EVENT
from snnx.dataset.dvs128_gesture import cut, read_npy
from snnx.dataset.nmnist import read_bin
from snnx.dataset.npz import read_npz
from snnx.dataset.recording import Damaged, Recording, Sample, require_sound

READERS = {"bin": read_bin, "npz": read_npz, "npy": read_npy, "aedat2": read_aedat2, "aedat3": read_aedat3}
PIXELS = {"bin": 34}


def read(path, form: str) -> np.ndarray:
    """The events of a file, read as a conversion reads it."""
    (sample,) = Recording.single(path, 0, READERS[form]).samples()
    return sample.events


def suffixed(tmp_path, form: str):
    return tmp_path / f"recording.{form.rstrip('23')}"


@pytest.fixture(params=READERS)
def form(request):
    return request.param


@pytest.fixture
def write(request, form):
    return request.getfixturevalue(f"write_{form}")


def test_what_was_written_is_read(tmp_path, form, write, random_events):
    events = random_events(0, pixels=PIXELS.get(form, 128))
    if form == "npy":
        events["t"] -= events["t"] % 1000
    write(suffixed(tmp_path, form), events)
    found = read(suffixed(tmp_path, form), form)
    assert found.dtype == EVENT
    assert all(np.array_equal(found[name], events[name]) for name in EVENT.names)


@pytest.mark.parametrize("cut_off", [1, 7])
def test_a_truncated_file_is_named(tmp_path, form, write, random_events, cut_off):
    path = suffixed(tmp_path, form)
    write(path, random_events(0))
    path.write_bytes(path.read_bytes()[:-cut_off])
    with pytest.raises(Damaged, match=rf"^{path}: must be a (complete|readable|multiple) [^\n]*; got [^\n]+$"):
        read(path, form)


def test_a_foreign_file_is_named(tmp_path, form):
    path = suffixed(tmp_path, form)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(Damaged, match=rf"^{path}: must be [^\n]*; got [^\n]*$"):
        read(path, form)


BROKEN = {  # what libraries raise: classes that are neither ours nor each other's
    "error: Error -3 while decompressing": ("npz", lambda content: content[:60] + b"\xff" * 60 + content[120:]),
    "NotImplementedError": ("npz", lambda content: content.replace(b"\x03-\0\0\0\x08\0", b"\x03-\0\0\0\x63\0")),
    "TokenError": ("npy", lambda content: content[:10] + b"{'a': (" + b" " * 111 + content[128:]),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_a_library_raises_names_the_file(request, tmp_path, random_events, reason):
    form, broken = BROKEN[reason]
    path = suffixed(tmp_path, form)
    request.getfixturevalue(f"write_{form}")(path, random_events(0))
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(Damaged, match=rf"^{path}: must be a readable recording; got [^\n]*({reason})[^\n]*$"):
        read(path, form)


WRONG = {  # columns that a cast would take for others
    "p": (np.array([-1, 1]), r"p must be whole numbers in 0\.\.1; got -1"),
    "p of more": (np.array([0, 7]), r"p must be whole numbers in 0\.\.1; got 7"),
    "x": (np.array([1, 2 + 65536]), r"x must be whole numbers in 0\.\.32767; got 65538"),
    "x beyond": (np.array([1, 40000], np.uint16), r"x must be whole numbers in 0\.\.32767; got 40000"),
    "y": (np.array([1, np.nan]), r"y must be whole numbers in 0\.\.32767; got nan"),
    "t": (np.array([0.25, 0.5]), r"t must be whole numbers in 0\.\.9007199254740992; got 0\.25"),
    "t before": (np.array([-5, 0]), r"t must be whole numbers in 0\.\.9007199254740992; got -5"),
    "t without end": (np.array([0, np.inf]), r"t must be whole numbers in 0\.\.9007199254740992; got inf"),
    "x alone": (np.int64(3), r"x, y, t and p must be columns of the same length; got \[\], \[2\], \[2\], \[2\]"),
    "y short": (np.array([3]), r"x, y, t and p must be columns of the same length; got \[2\], \[1\], \[2\], \[2\]"),
    "t twice": (np.array([[3, 4]]), r"x, y, t and p must be columns of the same length; got \[2\], \[2\], \[1, 2\], \[2\]"),
}


@pytest.mark.parametrize("case", WRONG)
def test_columns_that_are_no_events_are_refused_before_any_cast(tmp_path, case):
    path = tmp_path / "a.npz"
    column, message = WRONG[case]
    np.savez(path, **(dict.fromkeys("xytp", np.array([0, 1])) | {case[0]: column}))
    with pytest.raises(Damaged, match=f"^{path}: {message}$"):
        read(path, "npz")


def test_rows_that_are_no_events_are_refused_before_any_cast(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.0, 2.0, -1.0, 3.0]]))
    with pytest.raises(Damaged, match=r"p must be whole numbers in 0\.\.1; got -1"):
        read(tmp_path / "a.npy", "npy")


def test_an_empty_file_is_named(tmp_path, form):
    path = suffixed(tmp_path, form)
    path.touch()
    with pytest.raises(Damaged, match=rf"^{path}[^\n]*$"):
        require_sound(Sample(str(path), 0, read(path, form)), (128, 128))


def test_a_version_that_is_no_number_is_named(tmp_path, write_aedat2, random_events):
    path = tmp_path / "a.aedat"
    write_aedat2(path, random_events(0))
    path.write_bytes(path.read_bytes().replace(b"DAT2.0", b"DATX.0"))
    with pytest.raises(
        Damaged, match=r"a.aedat: must be an AEDAT file, whose first line is #!AER-DAT and a version; got b'#!AER-DATX.0"
    ):
        read_aedat2(path)


def test_a_version_is_not_read_as_another(tmp_path, write_aedat2, write_aedat3, random_events):
    write_aedat2(tmp_path / "two", random_events(0))
    write_aedat3(tmp_path / "three", random_events(0))
    with pytest.raises(Damaged, match=r"two: must be an AEDAT 3.1 file; got version 2"):
        read_aedat3(tmp_path / "two")
    with pytest.raises(Damaged, match=r"three: must be a complete AEDAT 2.0 file; got version 3.1"):
        read_aedat2(tmp_path / "three")


def test_aedat_is_read_as_spikingjelly_reads_it(tmp_path, write_aedat2, write_aedat3, random_events, spikingjelly_events):
    from spikingjelly.datasets.cifar10_dvs import _load_origin_data
    from spikingjelly.datasets.utils import load_aedat_v3

    events = random_events(1, pixels=128)
    for write, ours, theirs in ((write_aedat2, read_aedat2, _load_origin_data), (write_aedat3, read_aedat3, load_aedat_v3)):
        write(tmp_path / "recording.aedat", events)
        expected, found = theirs(tmp_path / "recording.aedat"), ours(tmp_path / "recording.aedat")
        assert all(np.array_equal(found[name], expected[name]) for name in EVENT.names)


def test_time_goes_on_after_an_overflow(tmp_path, write_bin):
    """N-MNIST marks every 2^13 µs with an event in row 240, from which on times lack as much."""
    events = np.array([(1, 2, 100, 1), (0, 240, 0, 0), (3, 4, 200, 0)], EVENT)
    write_bin(tmp_path / "a.bin", events)
    assert read_bin(tmp_path / "a.bin").tolist() == [(1, 2, 100, True), (3, 4, 200 + 2**13, False)]


def test_aedat4_needs_its_decoder_or_names_the_file(tmp_path):
    path = tmp_path / "a.aedat4"
    path.write_bytes(b"<html>not found</html>")
    message = rf"^{path}: (the package aedat must be installed to read .aedat4|must be a readable recording; got)"
    with pytest.raises((ModuleNotFoundError, Damaged), match=message):
        Recording.single(path, 0, read_aedat4).samples()


def test_aedat4_is_read_as_it_was_written(tmp_path, random_events):
    """A file of the sensor maker's own library, whose coordinates and times are kept to the last event."""
    writer = pytest.importorskip("dv_processing", reason="needs dv-processing to write, and aedat to read")
    pytest.importorskip("aedat", reason="needs aedat to read")
    events = random_events(0, number=3000, pixels=128)
    events = events[np.argsort(events["t"], kind="stable")]
    store = writer.EventStore()
    for event in events:
        store.push_back(1_000_000 + int(event["t"]), int(event["x"]), int(event["y"]), bool(event["p"]))
    path = tmp_path / "cifar10_airplane_0.aedat4"
    camera = writer.io.MonoCameraWriter(str(path), writer.io.MonoCameraWriter.EventOnlyConfig("DVS128", (128, 128)))
    camera.writeEvents(store)
    del camera  # which closes the file
    found = read_aedat4(path)
    assert found.dtype == EVENT
    assert np.array_equal(found["t"] - 1_000_000, events["t"])
    assert all(np.array_equal(found[name], events[name].astype(found[name].dtype)) for name in ("x", "y", "p"))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(Damaged, match="must be a readable recording; got"):
        Recording.single(path, 0, read_aedat4).samples()


def test_packets_of_aedat4_are_added_up_while_they_are_decoded(tmp_path, monkeypatch):
    """A decoder that never ends, as a small file may be that unpacks to any size."""

    class Decoder:
        def __init__(self, path):
            pass

        def id_to_stream(self):
            return {0: {"type": "events"}, 1: {"type": "imus"}}

        def __iter__(self):
            while True:
                yield {"stream_id": 0, "events": np.zeros(1000, [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "?")])}

    monkeypatch.setitem(sys.modules, "aedat", SimpleNamespace(Decoder=Decoder))
    monkeypatch.setattr(aedat, "LARGEST", 100_000)
    with pytest.raises(Damaged, match=r"a\.aedat4: a recording must have at most 100,000 bytes when it is unpacked; got more$"):
        read_aedat4(tmp_path / "a.aedat4")


@pytest.mark.parametrize("shape", [(10,), (10, 3)])
def test_another_array_is_named(tmp_path, shape):
    np.save(tmp_path / "1.npy", np.zeros(shape))
    with pytest.raises(Damaged, match=r"1\.npy: must contain rows of x, y, p, t; got an array of"):
        read_npy(tmp_path / "1.npy")


def test_a_recording_is_cut_at_its_labels(tmp_path, write_aedat3):
    """Line by line, start <= t < end, and the publisher counts classes from 1; rows may overlap and classes return."""
    events = np.zeros(5, EVENT)
    events["t"] = [10, 20, 30, 40, 50]
    write_aedat3(tmp_path / "user01.aedat", events)
    (tmp_path / "user01_labels.csv").write_text("class,startTime_usec,endTime_usec\n11,10,30\n2,30,51\n11,40,45\n")
    samples = list(cut(tmp_path / "user01.aedat", tmp_path / "user01_labels.csv"))
    assert [(sample.label, sample.events["t"].tolist()) for sample in samples] == [
        (10, [10, 20]),
        (1, [30, 40, 50]),
        (10, [40]),
    ]
    assert samples[2].name == f"{tmp_path}/user01.aedat, line 4 of user01_labels.csv"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels.csv: must contain rows of class, start and end in µs; got .*No such file"),
        ("class,start,end\n", "labels.csv: must contain rows of class, start and end in µs; got"),
        ("class,start,end\n1,2\n", r"labels.csv: must contain rows of class, .* in µs; got an array of shape \[1, 2\]"),
        ("class,start,end\n1,x,3\n", "labels.csv: must contain rows of class, start and end in µs; got"),
        ("", r"labels.csv: must contain rows of class, start and end in µs; got an array of shape \[0, 3\]"),
        (
            "class,start,end\n1,0,3\n1,200000,2000000\n",
            r"labels.csv: labels must end within the recording, at \d+ µs; got 2000000: they may belong to another recording",
        ),
    ],
)
def test_a_label_file_that_does_not_match_is_named(tmp_path, write_aedat3, random_events, labels, message):
    write_aedat3(tmp_path / "a.aedat", random_events(0))
    if labels is not None:
        (tmp_path / "labels.csv").write_text(labels)
    with pytest.raises(Damaged, match=message):
        list(cut(tmp_path / "a.aedat", tmp_path / "labels.csv"))


@pytest.mark.parametrize("row", ["12,0,3", "0,0,3", "1,3,3"])
def test_a_row_that_cannot_be_leaves_the_others(tmp_path, write_aedat3, random_events, row):
    write_aedat3(tmp_path / "a.aedat", random_events(0))
    (tmp_path / "labels.csv").write_text(f"class,start,end\n1,0,300000\n{row}\n2,0,300000\n")
    first, second, third = cut(tmp_path / "a.aedat", tmp_path / "labels.csv")
    assert (first.label, third.label) == (0, 1)
    assert isinstance(second, Damaged)
    assert str(second) == f"{tmp_path}/labels.csv: line 3: class must lie in 1..11 and start before end; got {row}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e[:0], r"^a: a recording must contain events; got none$"),
        (lambda e: np.sort(e, order="t")[::-1], r"^a: timestamps must not decrease; got \d+ after \d+ µs at event 1$"),
        (lambda e: moved(e, "t", -500_000), r"^a: timestamps must be at least 0 µs; got -\d+$"),
        (lambda e: moved(e, "x", 5), r"^a: x must lie in 0\.\.33; got 5 to 38$"),
        (lambda e: moved(e, "y", -1), r"^a: y must lie in 0\.\.33; got -1 to 32$"),
    ],
)
def test_events_that_no_sensor_gives_are_refused(random_events, change, message):
    with pytest.raises(Damaged, match=message):
        require_sound(Sample("a", 0, change(random_events(0, 2000))), (34, 34))


def moved(events, name, by):
    events[name] += by
    return events


def test_a_file_that_would_unpack_to_gigabytes_is_rejected_before_it_is_unpacked(tmp_path):
    """The directory of the archive announces 2 GiB."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.npy", bytes(8))
        archive.filelist[0].file_size = 2**31
    with pytest.raises(Damaged, match=r"a\.npz: a recording must have at most 1,073,741,824 bytes .*; got 2,147,483,648"):
        read(path, "npz")


def test_an_array_of_objects_is_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Attack:
        def __reduce__(self):
            return os.mkdir, ("attacked",)

    np.savez(tmp_path / "a.npz", **dict.fromkeys("txyp", np.array([Attack()], dtype=object)))
    np.save(tmp_path / "a.npy", np.array([[Attack()] * 4], dtype=object))
    for form in ("npz", "npy"):
        with pytest.raises(Damaged, match=r"must be a readable recording; got ValueError: Object arrays cannot be loaded"):
            read(tmp_path / f"a.{form}", form)
    assert not (tmp_path / "attacked").exists()


def test_a_pipe_is_no_recording(tmp_path):
    path = tmp_path / "a.npz"
    os.mkfifo(path)
    with pytest.raises(Damaged, match=r"a\.npz: must be a file; got a folder, a pipe or a device"):
        Recording.single(path, 0, read_npz).samples()


@pytest.mark.parametrize("name", ["a.npz", "a.bin", "a.aedat"])
def test_a_recording_with_a_hole_is_not_read(tmp_path, name):
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, 60 * 2**30)
    recording = Recording.single(tmp_path / name, 0, {".npz": read_npz, ".bin": read_bin, ".aedat": read_aedat3}[name[1:]])
    with pytest.raises(Damaged, match=rf"{name}: must have at most 1,073,741,824 bytes; got 64,424,509,440"):
        recording.samples()


def test_a_panic_of_rust_names_the_file(tmp_path):
    """It is no subclass of `Exception`; the package aedat raises it for a file that ends behind its first line."""

    class PanicException(BaseException):
        pass

    def read(path):
        raise PanicException("range end index 4 out of range")

    with pytest.raises(Damaged, match=r"a\.aedat4: must be a readable recording; got PanicException: range end index 4"):
        Recording.single(tmp_path / "a.aedat4", 0, read).samples()


def test_the_message_of_a_library_is_cut(tmp_path):
    def read(path):
        raise ValueError("x" * 10_000)

    with pytest.raises(Damaged, match=r"must be a readable recording; got ValueError: x{100,200}$"):
        Recording.single(tmp_path / "a.npz", 0, read).samples()
