"""Every layout that is read, and a line for each that is not."""

import shutil

import pytest

from snnx.dataset.class_folders import ClassFolders
from snnx.dataset.published import NoData


def tree(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    return root


def listed(root, *paths):
    found = ClassFolders.find(tree(root, *paths))
    parts = {part: [(str(path.relative_to(root)), label) for path, label in some] for part, some in found.parts.items()}
    return found.classes, parts


def test_classes_alone(tmp_path):
    classes, parts = listed(tmp_path, "b/2.png", "b/1.JPG", "a/x.tiff")
    assert classes == ["a", "b"]
    assert parts == {"train": [("a/x.tiff", 0), ("b/1.JPG", 1), ("b/2.png", 1)]}


@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_parts(tmp_path, val):
    train = ["train/a/1.png", "train/b/2.png"]
    assert listed(tmp_path / "0", *train)[1] == {"train": [("train/a/1.png", 0), ("train/b/2.png", 1)]}
    assert listed(tmp_path / "1", *train, "test/b/3.png")[1]["test"] == [("test/b/3.png", 1)]
    both = listed(tmp_path / "2", *train, f"{val}/b/3.png")[1]
    assert both["test"] == [(f"{val}/b/3.png", 1)]
    assert "val" not in both
    all_three = listed(tmp_path / "3", *train, f"{val}/a/3.png", "test/b/4.png")[1]
    assert (all_three["val"], all_three["test"]) == ([(f"{val}/a/3.png", 0)], [("test/b/4.png", 1)])


def test_a_class_may_be_called_train(tmp_path):
    assert listed(tmp_path, "plane/1.png", "train/2.png") == (
        ["plane", "train"],
        {"train": [("plane/1.png", 0), ("train/2.png", 1)]},
    )


def test_hidden_files_are_ignored_and_others_are_counted(tmp_path):
    hidden = [".snnx_cache/content.db", "__MACOSX/a/1.png", "a/.DS_Store", "a/._1.png", "b/Thumbs.db", "b/desktop.ini"]
    found = ClassFolders.find(tree(tmp_path, "a/1.png", "b/2.png", "b/notes.txt", "README", *hidden))
    assert found.classes == ["a", "b"]
    assert [path.name for path, _ in found.parts["train"]] == ["1.png", "2.png"]
    assert found.others == [tmp_path / "b" / "notes.txt"]


@pytest.mark.parametrize(
    ("add", "remove", "message"),
    [
        (["c/x.dcm"], None, "/c must contain pictures .*; got 1 other files, such as x.dcm"),
        (["c/.DS_Store"], None, r"/c must contain pictures \(.bmp, .jpeg, .*\); got none"),
        (["loose.png"], None, "/loose.png must be in the folder of its class; got it in "),
        (["a/images/1.png"], None, "/a must contain the pictures of one class and no folders; got images; folders of"),
        (
            ["Train/a/1.png"],
            None,
            "/Train must contain the pictures of one class and no folders; got a; folders of parts are called",
        ),
        ([], "b", "must contain a folder for each of at least two classes; got 1"),
        (["train/a/1.png"], None, "must contain only train, test and val, since it contains train; got a"),
    ],
)
def test_folders_that_are_laid_out_in_another_way(tmp_path, add, remove, message):
    tree(tmp_path, "a/1.png", "b/2.png", *add)
    if remove:
        shutil.rmtree(tmp_path / remove)
    with pytest.raises(ValueError, match=f"folder: {tmp_path}.*{message}") as caught:
        ClassFolders.find(tmp_path)
    assert "\n" not in str(caught.value)


def test_parts_that_do_not_fit(tmp_path):
    tree(tmp_path, "train/a/1.png", "train/b/2.png", "test/c/3.png")
    with pytest.raises(ValueError, match=r"/test must contain only classes of .*/train; got c"):
        ClassFolders.find(tmp_path)
    shutil.rmtree(tmp_path / "test")
    tree(tmp_path, "val/a/1.png", "valid/a/1.png")
    with pytest.raises(ValueError, match="must contain only one folder for the part val; got val and valid"):
        ClassFolders.find(tmp_path)


def test_a_folder_that_is_not_here(tmp_path):
    with pytest.raises(NoData, match=f"^folder: {tmp_path}/x must exist, with a folder of pictures for each class; set"):
        ClassFolders.find(tmp_path / "x")
