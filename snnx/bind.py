"""Checks that every component of a configuration names arguments that its constructor has."""

import inspect
from importlib import import_module

TRUSTED = {"snnx", "torch", "torchvision", "torchmetrics", "spikingjelly", "pytorch_lightning", "tonic", "hydra_plugins"}


def bind(config: dict, path: str = "") -> None:
    """Walk a resolved configuration and hold each node with a `_target_` against its constructor's signature.

    Hydra refuses a misspelled key on the command line, but accepts one inside a component of a recipe or a row.

    Raises:
        ValueError: a target lies outside the trusted packages or does not exist, or a key is no argument of it.

    Example:
        >>> bind({"neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "taau": 3}})
        Traceback (most recent call last):
        ValueError: neuron: LIF has no argument taau; it takes tau, decay_input, v_threshold, v_reset, surrogate, detach_reset
    """
    target = config.get("_target_")
    if target is not None:
        _bind_one(path, target, [key for key in config if not key.startswith("_")])
    for key, value in config.items():
        if isinstance(value, dict):
            bind(value, f"{path}.{key}" if path else key)


def _bind_one(path: str, target: str, keys: list[str]) -> None:
    module, _, name = target.rpartition(".")
    if module.split(".")[0] not in TRUSTED:
        raise ValueError(f"{path}._target_ must lie in one of {', '.join(sorted(TRUSTED))}; got {target}")
    try:
        constructor = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path}._target_ must name something that can be imported; got {target} ({error})") from None
    parameters = inspect.signature(constructor).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for key in keys:
        if key not in named:
            raise ValueError(f"{path}: {name} has no argument {key}; it takes {', '.join(named)}")
