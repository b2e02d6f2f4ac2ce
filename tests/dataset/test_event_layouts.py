"""Contract of DVS128 Gesture and CIFAR10-DVS: every layout that people have loads, and classes mean the same in all."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from composing import composed

from snnx.augmentation.none import none
from snnx.dataset.cifar10_dvs import CIFAR10DVS, CLASSES, first90, random90
from snnx.dataset.dvs128_gesture import DVS128Gesture
from snnx.dataset.published import NoData
from snnx.dataset.recording import Damaged
from snnx.run.execute import compute


def ready(kind, root, **changed):
    arguments = {"batch_size": 64, "validation": 0, "augmentation": none, "seed": 0, "timesteps": 2, "size": 16, "clip": False}
    dataset = kind(root=str(root), **(arguments | changed))
    dataset.setup()
    return dataset


def test_samples(dataset):
    """Labels with the number of events of each sample, in the order of the files."""
    samples, labels = zip(*dataset.test_dataloader(), strict=True)
    return list(zip(torch.cat(labels).tolist(), torch.cat(samples).sum(dim=(1, 2, 3, 4)).tolist(), strict=True))


test_samples.__test__ = False


def marked(random_events, label):
    """Events whose number tells the label, at a constant pace of one a millisecond."""
    events = random_events(label, 100 + label, pixels=128)
    events["t"] = 1000 * np.arange(len(events))
    return events


@pytest.mark.parametrize(("variant", "published"), [("spikingjelly", 1_464), ("tonic", 1_341)])
def test_a_budget_is_of_the_variant(variant, published):
    dataset = DVS128Gesture(variant=variant, samples=0.5, batch_size=1, validation=0, augmentation=none, seed=0, timesteps=1)
    assert dataset.share(1_000) == 0.5 * published / 1_000


@pytest.fixture
def aedat(tmp_path, write_aedat3, random_events):
    """The publisher's layout: one person in each part, eleven gestures a recording, and class 8 twice, as in the original."""
    for part, user in (("train", "user01_led"), ("test", "user24_led")):
        rows, start, blocks = [], 0, []
        for label in [*range(11), 7]:
            events = marked(random_events, label)
            events["t"] += start
            rows.append(f"{label + 1},{start},{start + 500_000}")
            blocks.append(events)
            start += 500_000
        folder = tmp_path / "DvsGesture"
        write_aedat3(folder / f"{user}.aedat", np.concatenate(blocks))
        (folder / f"{user}_labels.csv").write_text("\n".join(["class,startTime_usec,endTime_usec", *rows, ""]))
        (folder / f"trials_to_{part}.txt").write_text(f"{user}.aedat\nuser99_not_copied.aedat\n")
    return tmp_path


def test_the_publishers_recordings_are_cut_into_spikingjellys_samples(aedat):
    dataset = ready(DVS128Gesture, aedat)
    assert dataset.facts == {"variant": "spikingjelly", "layout": "aedat"}
    assert dataset.split_counts == {"train": 12, "val": 0, "test": 12}
    assert test_samples(dataset) == [(label, 100 + label) for label in [*range(11), 7]]
    assert dataset.groups == {"train": ["user01"] * 12, "test": ["user24"] * 12}


def test_spikingjellys_conversion_has_the_classes_of_its_folders(tmp_path, write_npz, random_events):
    """DatasetFolder would sort them as text: 0, 1, 10, 2."""
    for part in ("train", "test"):
        for label in range(11):
            write_npz(tmp_path / f"DVS128Gesture/events_np/{part}/{label}/user24_led_0.npz", marked(random_events, label))
    dataset = ready(DVS128Gesture, tmp_path)
    assert dataset.facts["layout"] == "events_np"
    assert test_samples(dataset) == [(label, 100 + label) for label in range(11)]
    assert dataset.groups["test"] == ["user24"] * 11


def test_tonics_files_have_the_same_classes(tmp_path, write_npy, random_events):
    for part, user in (("Train", "user01_led"), ("Test", "user24_led")):
        for label in range(11):
            write_npy(tmp_path / f"DVSGesture/ibmGesture{part}/{user}/{label}.npy", marked(random_events, label))
    dataset = ready(DVS128Gesture, tmp_path, variant="tonic")
    assert dataset.facts == {"variant": "tonic", "layout": "npy"}
    assert sorted(test_samples(dataset)) == [(label, 100 + label) for label in range(11)]
    assert dataset.groups["test"] == ["user24"] * 11
    with pytest.raises(NoData, match=r"dvs128_gesture: recordings must be below .*; expected DVS128Gesture/events_np"):
        ready(DVS128Gesture, tmp_path)


def test_samples_of_one_person_are_one_cluster_of_verdicts(tmp_path, write_npy, random_events):
    persons = {"Train": ("user01_led", "user01_lab", "user02_led"), "Test": ("user24_led", "user25_led", "user24_lab")}
    for part, users in persons.items():
        for user in users:
            for label in range(11):
                write_npy(tmp_path / f"DVSGesture/ibmGesture{part}/{user}/{label}.npy", marked(random_events, label))
    words = ["timesteps=2", "dataset.size=8", "dataset.batch_size=11", "encoding=events", "trainer.max_epochs=0"]
    words += ["dataset.variant=tonic", f"dataset.root={tmp_path}", "backbone=mlp", "dataset.validation=0"]
    job = replace(composed("dataset=dvs128_gesture", *words), outputs=str(tmp_path / "outputs"))
    answers = compute(job)["answers"]["test"]
    assert answers["samples"] == 33
    assert answers["clusters"] == [0] * 22 + [1] * 11  # in the order of the folders: user24_lab, user24_led, user25_led


def test_a_missing_label_file_is_named_and_its_coming_noticed(aedat):
    labels = aedat / "DvsGesture/user24_led_labels.csv"
    text = labels.read_text()
    labels.unlink()
    with pytest.raises(
        ValueError, match=r"user24_led_labels.csv: must contain rows of class, start and end in µs; got .*No such file"
    ):
        ready(DVS128Gesture, aedat)
    labels.write_text(text)
    assert ready(DVS128Gesture, aedat).split_counts["test"] == 12


def test_a_missing_list_of_trials_is_named(aedat):
    (aedat / "DvsGesture/trials_to_test.txt").unlink()
    with pytest.raises(NoData, match=r"got DvsGesture/trials_to_{train,test}\.txt with \S+ and \S+ without test; see snnx"):
        ready(DVS128Gesture, aedat)


def test_a_damaged_row_of_labels_costs_one_sample(aedat):
    labels = aedat / "DvsGesture/user24_led_labels.csv"
    labels.write_text(labels.read_text().replace("\n3,", "\n33,"))
    with pytest.raises(Damaged, match=r"user24_led_labels.csv: line 4: class must lie in 1\.\.11 .*; dataset.skip_bad=true"):
        ready(DVS128Gesture, aedat)
    dataset = ready(DVS128Gesture, aedat, skip_bad=True)
    assert dataset.split_counts == {"train": 12, "val": 0, "test": 11}
    assert dataset.facts["skipped"] == {"train": 0, "test": 1}


@pytest.mark.parametrize(
    ("folder", "suffix", "layout"),
    [("CIFAR10DVS/events_np", "npz", "events_np"), ("CIFAR10DVS/extract", "aedat", "aedat"), ("CIFAR10DVS", "aedat", "aedat")],
)
def test_cifar10_dvs_in_each_layout(tmp_path, write_npz, write_aedat2, random_events, folder, suffix, layout):
    write = write_npz if suffix == "npz" else write_aedat2
    for label, name in enumerate(CLASSES):
        for number in range(10):
            write(tmp_path / folder / name / f"cifar10_{name}_{number}.{suffix}", marked(random_events, label + number))
    dataset = ready(CIFAR10DVS, tmp_path, validation=0.25)
    assert dataset.facts == {"variant": "first90", "layout": layout}
    assert dataset.split_counts == {"train": 68, "val": 22, "test": 10}
    assert test_samples(dataset) == [(label, 100 + label + 9) for label in range(10)]


def test_the_first_nine_tenths_are_spikingjellys(spikingjelly_events):
    labels = torch.arange(10).repeat_interleave(torch.tensor([11, 20, 3, 1000, 7, 10, 10, 10, 10, 10]))
    pairs = [(torch.zeros(1), int(label)) for label in labels]
    train, test = spikingjelly_events.utils.split_to_train_test_set(0.9, pairs, 10, random_split=False)
    ours = first90(labels)
    assert [sorted(part.indices) for part in (train, test)] == [part.tolist() for part in ours]


def test_a_random_split_is_balanced_complete_and_named_by_its_seed():
    labels = torch.arange(10).repeat(100)
    train, test = random90(labels, seed=0)
    assert torch.equal(torch.cat([train, test]).sort().values, torch.arange(1000))
    assert labels[test].bincount().tolist() == [10] * 10
    assert torch.equal(random90(labels, seed=0)[1], test)
    assert not torch.equal(random90(labels, seed=1)[1], test)


def test_both_splits_share_one_cache(tmp_path, write_npz, random_events):
    for label, name in enumerate(CLASSES):
        for number in range(10):
            write_npz(tmp_path / f"CIFAR10DVS/events_np/{name}/cifar10_{name}_{number}.npz", marked(random_events, label))
    first, drawn, other = (
        ready(CIFAR10DVS, tmp_path, **change) for change in ({}, {"variant": "random"}, {"variant": "random", "split_seed": 1})
    )
    assert first.convert() == drawn.convert() == other.convert()
    assert len({first.split_hash, drawn.split_hash, other.split_hash}) == 3
    assert first.split_counts == drawn.split_counts == {"train": 90, "val": 0, "test": 10}


def test_a_pipe_in_place_of_labels_is_refused_and_lists_name_files_of_their_folder_only(aedat):
    folder = aedat / "DvsGesture"
    (aedat / "outside.aedat").write_bytes((folder / "user01_led.aedat").read_bytes())
    (folder / "trials_to_train.txt").write_text(f"../outside.aedat\n{aedat}/outside.aedat\nuser01_led.aedat\n")
    assert ready(DVS128Gesture, aedat).split_counts["train"] == 12
    labels = folder / "user24_led_labels.csv"
    labels.unlink()
    os.mkfifo(labels)
    with pytest.raises(
        ValueError, match=r"user24_led_labels\.csv: must be a file with rows of class, .*; got a folder, a pipe"
    ):
        ready(DVS128Gesture, aedat)
