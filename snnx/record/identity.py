"""The identity of a run: a hash of everything that affects its numbers, and of nothing else."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

PHYSICS = 1  # raise it if new code computes other numbers for the same configuration; all runs then get new identities
SWITCHES = ("force", "recorded", "outdated", "search", "tuned", "test_every_epoch")
"""Keys that decide whether a run is executed, or add a measurement; they change no number of the training."""
NOT_PHYSICS = ("hydra", "sweep", "label", "logger", "loaded", *SWITCHES)
"""Groups and keys that do not affect a run's numbers."""
PATHS_AND_DEVICES = ("dataset.root", "trainer.accelerator", "trainer.strategy")
"""Keys inside other groups that do not affect a run's numbers either; see `is_path_or_device`."""
SAME_NUMBERS = ("norm.fused", "packed_spikes", "recompute", "recompute_steps", "channels_last")
"""Keys that choose how something is computed; the numbers are the same with every choice."""
LOADED = ("backbone.weights", "method.checkpoint")
"""Keys that name files of weights; the identity contains a hash of the file's content, not its path."""
ADDED: dict[str, object] = {
    "norm": {"_target_": "snnx.norm.batch.Batch", "_partial_": True},
    "norm.gain": 1.0,
    "init.gain": 1.0,
    "init.conv_gain": 1.0,
    "init.standardise": False,
    "encoding.channels": None,
    "encoding.kernel": 3,
    "encoding.norm": True,
    "encoding.trains": 1,
    "encoding.signed": False,
    "encoding.gain": 1.0,
    "augmentation.choices": ["roll", "rotate", "shear", "cutout"],
    "backbone.sn2_norm": False,
    "backbone.zero_residual": False,
    "backbone.stride": 1,
    "backbone.padding": 0,
    "backbone.pool_first": False,
    "backbone.pool_weight": 1.1,
    "backbone.pool_threshold": 0.5,
    "decoding.rate": False,
    "method.early": None,
    "method.ceiling": 8.0,
    "method.code": "rate",
    "method.start": 80,
    "method.duration": 80,
    "method.tuning": 6,
    "method.scales": "activations",
    "method.scale_factor": 1.0,
    "method.bias_calibration": False,
    "budget.test_samples": 1.0,
    "metric.anytime.marks": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1500, 2000, 2500],
    "metric.negative_potential.on": "H",
    "neuron.fire_at_equality": True,
    "matmul": "highest",
    "trainer.accumulate_grad_batches": 1,
}
"""Keys that were added to snnx after runs had been recorded, each with the value that computes what snnx computed before.

A key is written as `group` or `group.key`, and a key of a metric as `metric.name.key`. With the value given here it is left out
of the identity, so that older runs keep theirs. For example, all networks had batch norm before the group `norm` was added.
"""
SINGLE_DEVICE = {"trainer.devices": 1, "trainer.num_nodes": 1}
"""Keys that are left out of the identity if they have this value.

With several devices or machines, their number is part of the identity, because each computes the statistics and draws the
noise for its own part of a batch. Two devices of one machine and one device on each of two machines are two configurations with
two identities: the parts of a batch are the same, but another interconnect may add up gradients in another order, so their
numbers may differ in the last bits.
"""


def physics(config: Mapping) -> dict:
    """Return the part of a resolved configuration that affects a run's numbers, without paths, devices, loggers or labels.

    A group that is null is left out, and so is a key of `ADDED` that has the value given there. So when a new group or key is
    added to snnx, older runs keep their identity.

    Example:
        >>> physics({"seed": 0, "label": "LIF", "dataset": {"root": "/data", "batch_size": 64}})
        {'seed': 0, 'dataset': {'batch_size': 64}}
    """
    kept = {
        group: dict(_without_paths(group, value, config)) if isinstance(value, Mapping) else value
        for group, value in config.items()
        if group not in (*NOT_PHYSICS, *SAME_NUMBERS) and value is not None
    }
    return {group: value for group, value in kept.items() if not _as_before_added(group, value)}


def is_path_or_device(path: str, config: Mapping) -> bool:
    """Whether a key names a path or a device; changing such a key does not change the identity of a run.

    `dataset.root` is such a key, except if `dataset.name` is null: then only the root distinguishes the data set from others.

    Example:
        >>> folder = {"root": "a", "name": None}
        >>> named = {**folder, "name": "leaves"}
        >>> is_path_or_device("dataset.root", {"dataset": folder}), is_path_or_device("dataset.root", {"dataset": named})
        (False, True)
    """
    nameless = (config.get("dataset") or {}).get("name", path) is None
    return path in (*PATHS_AND_DEVICES, *SAME_NUMBERS) and not (path == "dataset.root" and nameless)


def _without_paths(prefix: str, values: Mapping, config: Mapping) -> Iterator[tuple[str, object]]:
    loaded = config.get("loaded", {})
    for key, value in values.items():
        path = f"{prefix}.{key}"
        on_one_device = path in SINGLE_DEVICE and value == SINGLE_DEVICE[path]
        if not is_path_or_device(path, config) and not on_one_device and not _as_before_added(path, value):
            inner = isinstance(value, Mapping)
            yield key, dict(_without_paths(path, value, config)) if inner else loaded.get(path, value)


def _as_before_added(path: str, value: object) -> bool:
    return path in ADDED and _floats(value) == _floats(ADDED[path])


def contents(config: Mapping) -> dict[str, str]:
    """Hash the files of weights that a configuration names, as `{key: sha256}`; the configuration keeps this in `loaded`."""
    found = {}
    for key in loaded_from(config):
        group, name = key.split(".")
        if (path := Path(config[group][name])).is_file():
            found[key] = _sha256(path, path.stat().st_mtime_ns, path.stat().st_size)
    return found


def loaded_from(config: Mapping) -> list[str]:
    """Return the keys of `LOADED` that are set in a configuration."""
    return [key for key in LOADED if (config.get(key.split(".")[0]) or {}).get(key.split(".")[1])]


@cache
def _sha256(path: Path, modified: int, size: int) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def run_id(config: Mapping) -> str:
    """Return the identity of a run, 16 hexadecimal digits, from its resolved configuration; 4 and 4.0 give the same digits."""
    text = json.dumps(_floats({"physics": PHYSICS, **physics(config)}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def training_id(config: Mapping, test_only: Collection[str]) -> str:
    """Return the identity of a run's training: runs that differ only in the arguments `test_only` have the same one.

    A run with other metrics has another one, since a metric may watch the training, and so has one with another choice of
    `SAME_NUMBERS`, since it may round differently.

    Args:
        config: resolved configuration of the run.
        test_only: arguments of its method that only the test reads; with `timesteps`, also the key of this name. If one is
            `encoding`, the group of this name is left out.

    Example:
        >>> one = {"seed": 0, "method": {"code": "rate", "activation": "relu"}}
        >>> other = {"seed": 0, "method": {"code": "phase", "activation": "relu"}}
        >>> training_id(one, ["code"]) == training_id(other, ["code"]), training_id(one, []) == training_id(other, [])
        (True, False)
    """
    method = {key: value for key, value in config["method"].items() if key not in test_only}
    left_out = {key: None for key in ("timesteps", "encoding") if key in test_only}
    return run_id({**config, "method": method, **left_out, "computed": {key: config.get(key) for key in SAME_NUMBERS}})


def changes(old: Mapping, new: Mapping) -> list[str]:
    """List the differences between the `physics` of two configurations as `key: old → new`, in the order of the new one.

    Example:
        >>> changes({"neuron": {"tau": 2.0}, "seed": 0}, {"neuron": {"tau": 3.0}, "seed": 0, "timesteps": 4})
        ['neuron.tau: 2.0 → 3.0', 'timesteps: absent → 4']
    """
    before, after = dict(leaves(_floats(physics(old)))), dict(leaves(_floats(physics(new))))
    shown_before, shown_after = dict(leaves(physics(old))), dict(leaves(physics(new)))
    return [
        f"{key}: {shown_before.get(key, 'absent')} → {shown_after.get(key, 'absent')}"
        for key in {**after, **before}
        if before.get(key, _ABSENT) != after.get(key, _ABSENT)
    ]


def leaves(config: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value of a nested configuration with its dotted key.

    Example:
        >>> list(leaves({"neuron": {"tau": 2.0}, "seed": 0}))
        [('neuron.tau', 2.0), ('seed', 0)]
    """
    if isinstance(config, Mapping) and (config or not prefix):
        for key, value in config.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, config


_ABSENT = object()


def _floats(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):  # a number of hundreds of digits stays an integer; no component accepts it
            return float(value)
    return value
