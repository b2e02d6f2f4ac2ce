"""Applies overrides to a frozen configuration."""

import copy
from collections.abc import Sequence

import yaml

from snnx.options.files import files
from snnx.options.nearest import nearest


def apply_overrides(config: dict, words: Sequence[str]) -> dict:
    """Return a copy of the configuration with `metric=[a,b]` and `key=value` applied.

    In a frozen configuration all references have been replaced by values: `encoding.timesteps` no longer follows `timesteps`.
    So a value must be changed at the key that is read, for example `encoding.timesteps=8` and not `timesteps=8`.

    Args:
        config: the resolved configuration as plain dicts; it is not modified.
        words: `metric=a`, `metric=[a,b]`, or `key=value` with a key of the configuration and a value in YAML.

    Raises:
        ValueError: a word is not of the form `key=value`, the metric or the key does not exist, or a value is not valid YAML.

    Example:
        >>> run = {"metric": {}, "encoding": {"timesteps": 4}}
        >>> apply_overrides(run, ["encoding.timesteps=8"])["encoding"]
        {'timesteps': 8}
        >>> apply_overrides(run, ["encoding.timestep=8"])
        Traceback (most recent call last):
        ValueError: encoding.timestep must be a key of the run; got encoding.timestep=8; did you mean encoding.timesteps?
    """
    config = copy.deepcopy(config)
    chosen = [word for word in words if word.partition("=")[0] == "metric"]
    for word in chosen:
        config["metric"] = {key: node for name in _names(word) for key, node in _option(name).items()}
    for word in words:
        if word not in chosen:
            _set(config, word)
    return config


def _names(word: str) -> list[str]:
    text = word.partition("=")[2]
    if text.startswith("[") != text.endswith("]"):
        raise ValueError(f"metric must be a name or a list of names in brackets; got {word}")
    return [name.strip() for name in text.strip("[]").split(",") if name.strip()]


def _option(name: str) -> dict:
    known = files("metric")
    if name not in known:
        raise ValueError(f"metric must be one of {', '.join(known)}; got {name}{nearest(name, known)}")
    return yaml.safe_load(known[name].read_text(encoding="utf-8"))


def _set(config: dict, word: str) -> None:
    key, equals, text = word.partition("=")
    path = key.split(".")
    if not equals or len(path) < 2:
        meant = [f"; did you mean {group}.{word}?" for group, node in config.items() if isinstance(node, dict) and key in node]
        raise ValueError(f"an override must be metric=[a,b] or group.key=value; got {word}{''.join(meant[:1])}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f"{key} must have a value that is valid YAML; got {word}") from None
    node = config
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict) or path[-1] not in node or isinstance(node[path[-1]], dict):
        names = [name for name in node if not name.startswith("_")] if isinstance(node, dict) else []
        siblings = [".".join([*path[:-1], name]) for name in names]
        raise ValueError(f"{key} must be a key of the run; got {word}{nearest(key, siblings)}")
    node[path[-1]] = value
