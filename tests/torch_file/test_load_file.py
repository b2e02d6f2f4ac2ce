"""What torch reads is measured before it is read."""

import pickle
import zipfile
from io import BytesIO

import pytest
import torch
from doubling import FORMS, PICKLES, as_archive
from torch import nn

from snnx.torch_file import zip_directory
from snnx.torch_file.load_file import LARGEST, GrowingFile, load_file
from snnx.torch_file.pickle_size import size_of

CALLS = {"hex": "a call of encode", "bytearray": "a call of bytearray"}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", PICKLES)
def test_values_that_double_are_refused(tmp_path, name, form):
    path = tmp_path / "small.pt"
    path.write_bytes(form(PICKLES[name]))
    assert path.stat().st_size < 4_000
    tuples = name in ("tuples", "key")
    refused = r"small\.pt must contain " + (r"tuples of at most 10,000 values" if tuples else r"at most 10,000,000 values and")
    error = pickle.UnpicklingError if name in CALLS else GrowingFile
    with pytest.raises(error, match=CALLS.get(name, refused)):
        load_file(path)


def test_an_archive_with_two_directories_is_refused(tmp_path):
    """Python looks for the directory in front of the end, and torch at the place that the end names."""
    torch.save({"a": 1}, tmp_path / "small.pt")
    ours = BytesIO()
    with zipfile.ZipFile(tmp_path / "small.pt") as small, zipfile.ZipFile(ours, "w", zipfile.ZIP_DEFLATED) as large:
        for entry in small.infolist():
            large.writestr(entry.filename, small.read(entry) + bytes(10**6) * entry.filename.endswith("data.pkl"))
    read_by_torch = ours.getvalue()
    *head, count, length, start, comment = zip_directory.END.unpack(read_by_torch[-22:])
    shown = BytesIO()
    with zipfile.ZipFile(shown, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.infolist()[0].comment = bytes(length - 46 - len("archive/data.pkl"))  # makes both directories equally long
    entry, directory = shown.getvalue()[: archive.start_dir], shown.getvalue()[archive.start_dir : -22]
    assert len(directory) == length
    path = tmp_path / "two.pt"
    path.write_bytes(read_by_torch[:-22] + entry + directory + zip_directory.END.pack(*head, count, length, start, comment))
    assert len(zipfile.ZipFile(path).infolist()) == 1
    assert len(torch._C.PyTorchFileReader(str(path)).get_all_records()) == count
    with pytest.raises(zipfile.BadZipFile, match=r"two\.pt must have one directory, of \d entries, up to byte"):
        load_file(path)


@pytest.mark.parametrize("new", [True, False])
def test_ordinary_files_are_read(tmp_path, new):
    layer = nn.Linear(3, 2)
    adam = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    adam.step()
    state = {"state_dict": layer.state_dict(), "optimizer": adam.state_dict(), "at": (1, 2.5, None, True), "name": "a"}
    torch.save(state, tmp_path / "w.pt", _use_new_zipfile_serialization=new)
    found = load_file(tmp_path / "w.pt")
    assert torch.equal(found["state_dict"]["weight"], layer.weight)
    assert found["optimizer"]["param_groups"] == adam.state_dict()["param_groups"]
    assert (found["at"], found["name"]) == (state["at"], "a")


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"\x80\x02]q\x00h\x00a.", "a value that contains itself"),
        (b"\x80\x02]q\x00]q\x01h\x00aa.", "a value that contains itself"),
        (b"\x80\x04\x8c\x01a\x94.", "the opcode SHORT_BINUNICODE, which torch does not read"),
    ],
)
def test_other_pickles_are_refused(tmp_path, pickled, message):
    (tmp_path / "odd.pt").write_bytes(as_archive(pickled))
    with pytest.raises(pickle.UnpicklingError, match=message):
        load_file(tmp_path / "odd.pt")


def test_a_text_that_is_repeated_counts_each_time():
    assert size_of(pickle.dumps(["a" * 99] * 3, 2)).all == 1 + 3 * 100
    text = "a" * (LARGEST // 100)
    assert size_of(pickle.dumps([text] * 200, 2)).all > LARGEST


@pytest.mark.parametrize("depth", [10, 100_000])
def test_nested_values_are_counted(depth):
    assert size_of(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".").all == depth
