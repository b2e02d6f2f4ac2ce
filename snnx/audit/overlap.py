"""Checks that training, validation and test have no samples in common, by the content of the samples."""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from itertools import combinations

from snnx.audit.finding import FAILED, PASSED, Finding
from snnx.dataset.folder import Folder
from snnx.dataset.labelled import Labelled, Samples

READ_AT_ONCE = 1024  # number of samples that are read at once


def overlap(data: Labelled) -> Finding:
    """Check that no sample is in two parts, unless the publisher's files contain it twice; such copies are counted.

    Copies in a `Folder`, or in files that a class outside of snnx reads, count as errors, because the person who made the files
    can remove them.
    """
    loaders = {"train": data.train_dataloader(), "val": data.val_dataloader(), "test": data.test_dataloader()}
    parts = {name: Counter(contents(loader.images)) for name, loader in loaders.items()}
    sizes = ", ".join(f"{part.total()} {name}" for name, part in parts.items())
    shared = {(a, b): parts[a].keys() & parts[b].keys() for a, b in combinations(parts, 2)}
    twice = set().union(*shared.values())
    if not twice:
        return Finding(PASSED, f"no sample is in two parts ({sizes})")
    there = Counter(one for samples, _ in data.read().values() for one in contents(samples) if one in twice)
    used = Counter({one: sum(part[one] for part in parts.values()) for one in twice})
    counts = [f"{sum(parts[b][one] for one in found)} of {b} are also in {a}" for (a, b), found in shared.items() if found]
    said = f"{' and '.join(counts)} ({sizes})"
    if again := sum(used[one] > there[one] for one in twice):
        return Finding(FAILED, f"samples {said}; {again} of them are used more often than the files contain them")
    if isinstance(data, Folder) or not type(data).__module__.startswith("snnx."):
        return Finding(FAILED, f"samples {said}, because the files contain them more than once: remove the copies")
    return Finding(PASSED, f"samples {said}, because the publisher's files contain them more than once")


def contents(samples: Samples) -> Iterable[bytes]:
    """Yield a digest of each sample."""
    for start in range(0, len(samples), READ_AT_ONCE):
        for sample in samples[start : start + READ_AT_ONCE].cpu().numpy():
            yield blake2b(sample.tobytes(), digest_size=16).digest()
