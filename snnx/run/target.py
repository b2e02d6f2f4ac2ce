"""Finds the class or function that a `_target_` names, if a configuration may name it."""

import inspect
from collections.abc import Callable, Iterable
from importlib import import_module

from snnx.options.places import components

PUBLISHED = (
    "torch.nn",
    "torch.optim",
    "torchvision.transforms",
    "tonic.transforms",
    "spikingjelly.activation_based.neuron",
    "spikingjelly.activation_based.surrogate",
    "spikingjelly.activation_based.layer",
)
"""Other packages' modules whose classes an option may name. None of these classes reads or writes a file when it is built."""
TRANSFORMS = ("torchvision.transforms", "tonic.transforms")
ELSEWHERE = {"trainer": ["pytorch_lightning"], "search": ["optuna.storages", "optuna.pruners", "optuna.samplers"]}
"""For groups whose components come from another package: the modules that may contain them."""
MODULE = ("torch.nn.Module",)
KINDS = {
    "attention": MODULE,
    "augmentation": (),
    "backbone": MODULE,
    "dataset": ("pytorch_lightning.LightningDataModule",),
    "decoding": MODULE,
    "encoding": MODULE,
    "init": (),
    "logger": (),
    "loss": MODULE,
    "method": ("snnx.method.base.Method",),
    "metric": ("snnx.metric.metric.Metric",),
    "neuron": MODULE,
    "norm": MODULE,
    "optimizer": ("torch.optim.Optimizer",),
    "quantization": (),
    "scheduler": ("torch.optim.lr_scheduler.LRScheduler",),
    "surrogate": MODULE,
    "trainer": ("pytorch_lightning.Trainer",),
    "search": (
        "optuna.storages.BaseStorage",
        "optuna.storages.journal.BaseJournalBackend",
        "optuna.pruners.BasePruner",
        "optuna.samplers.BaseSampler",
    ),
}
"""For each group, the classes of which its components must be a subclass. The others have a protocol, see `METHODS`, or take
functions only."""
METHODS = {
    "init": ("__call__", ("network",)),
    "logger": ("show", ("rows",)),
    "quantization": ("applied", ("network", "bits")),
}
"""For each group with a protocol, the method that its classes must have, and the first arguments of this method."""
FUNCTIONS = {
    "augmentation": ("images", "labels"),
    "init": ("network",),
    "loss": ("scores", "labels"),
    "scheduler": ("optimizer", "total_steps"),
}
"""Groups whose component may also be a function, of snnx or of a user's own package, and the first arguments of this function.

A function with other arguments is refused: one that removes files, for example, seldom has these argument names.
"""
SEVERAL = ("attention", "logger", "metric")
"""Groups that hold several components, by name."""
WITHOUT_PARTS = ("logger", "optimizer", "scheduler", "trainer")
"""Groups whose components get no other components as arguments. For example, a trainer's callbacks could write any file."""


def target(path: str, name: str) -> Callable:
    """Import the class or function that a `_target_` names.

    It must be defined at or below the module that is named, so that nothing can be reached through the imports of a module. It
    must be in a component folder of snnx, among `PUBLISHED`, or in a package that provides options or is listed under
    `[tool.snnx] components`. And it must fit its group: `torch.load` is not a loss, wherever it is named, and a function of a
    user's own package that removes files is not an augmentation.

    Args:
        path: the dotted key of the component, such as `neuron` or `dataset.transforms.0`.
        name: the value of `_target_`, such as `snnx.neuron.lif.LIF`.

    Raises:
        ValueError: a configuration may not name it, or it does not exist.

    Example:
        >>> target("neuron", "snnx.neuron.lif.LIF")
        <class 'snnx.neuron.lif.LIF'>
        >>> target("optimizer.betas.0", "torch.load")
        Traceback (most recent call last):
        ValueError: optimizer.betas.0 must be a plain value, as optimizer takes no components; got torch.load
    """
    group, *below = path.split(".")
    part = group != "search" and len(below) > (group in SEVERAL)  # an argument of a component
    if part and group in WITHOUT_PARTS:
        raise ValueError(f"{path} must be a plain value, as {group} takes no components; got {name}")
    if group not in KINDS:
        raise ValueError(f"{path} must be a plain value, as {group} is no group of components; got {name}")
    module, _, attribute = str(name).rpartition(".")
    folders = _folders(group, part=part)
    if not _is_below(module, folders):
        raise ValueError(
            f"{path}._target_ must be in one of {', '.join(folders)}; got {name}: list your own package under "
            "[tool.snnx] components in pyproject.toml"
        )
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path}._target_ must name a class or function that can be imported; got {name} ({error})") from None
    if not (inspect.isclass(found) or inspect.isfunction(found)) or not _is_below(found.__module__, [module]):
        raise ValueError(f"{path}._target_ must name a class or function where it is defined; got {name}")
    if not (_fits_part(found) if part else _fits_group(found, group)):
        raise ValueError(f"{path}._target_ must be {_rule(group, part=part)}; got {name}")
    return found


def _folders(group: str, *, part: bool) -> list[str]:
    """Return the modules below which the target of a component, or of a part of one, may be."""
    if group in ELSEWHERE:
        return [*ELSEWHERE[group], *components()]
    return [*(f"snnx.{room}" for room in (KINDS if part else [group])), *PUBLISHED, *components()]


def _is_below(module: str, folders: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{folder}.") for folder in folders)


def _fits_group(found: Callable, group: str) -> bool:
    if not inspect.isclass(found):
        return group in FUNCTIONS and _ours(found) and _takes(found, FUNCTIONS[group])
    try:
        bases = tuple(_named(base) for base in KINDS[group])
    except ModuleNotFoundError:  # Optuna is not installed, so nothing here can be a subclass of its samplers
        return False
    if bases or group not in METHODS:
        return bool(bases) and issubclass(found, bases)
    method, arguments = METHODS[group]
    return _ours(found) and _takes(getattr(found, method, None), ("self", *arguments))


def _takes(function: object, arguments: tuple[str, ...]) -> bool:
    """Whether the first arguments of a function have these names."""
    return inspect.isfunction(function) and tuple(inspect.signature(function).parameters)[: len(arguments)] == arguments


def _rule(group: str, *, part: bool) -> str:
    """Say what a component of this group, or a part of it, must be."""
    kinds = MODULE if part else KINDS[group]
    rules = [f"a subclass of {' or '.join(kinds)}"] if kinds else []
    if not part and group in METHODS:
        method, arguments = METHODS[group]
        rules.append(f"a class with {method}({', '.join(arguments)})")
    if not part and group in FUNCTIONS:
        rules.append(f"a function of ({', '.join(FUNCTIONS[group])})")
    return " or ".join(rules)


def _fits_part(found: Callable) -> bool:
    if not inspect.isclass(found):
        return False
    transform = _is_below(found.__module__, TRANSFORMS) or (_ours(found) and "__call__" in dir(found))
    return transform or issubclass(found, _named(*MODULE))


def _ours(found: Callable) -> bool:
    """Whether it belongs to snnx or to a user's own package."""
    return not _is_below(found.__module__, PUBLISHED)


def _named(name: str) -> type:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)
