"""Checks a run before it starts: every setting is used, every value has the right type, and every component can be built."""

import json
from inspect import isfunction
from pathlib import Path

from snnx.compose.interrupt import exit_on_interrupt
from snnx.compose.secret import reject_secrets
from snnx.options.files import is_group
from snnx.record.identity import loaded_from
from snnx.record.job import Job
from snnx.record.run_folder import reject_links
from snnx.run.component import component, groups_used
from snnx.run.reason import reason
from snnx.run.signature import check_signatures
from snnx.run.target import target

OF_SOME_METHODS = ("encoding", "neuron", "surrogate", "decoding", "loss")
"""Groups that some methods do not use."""

COMPLETED_LATER = ("augmentation", "backbone", "encoding", "method", "neuron", "norm", "optimizer", "scheduler")
"""Groups whose options have `_partial_: true`: other components build them later, with more arguments.

For example, a backbone builds a norm for each layer and tells it the number of channels.
"""

COMPLETE = ("dataset", "decoding", "init", "loss", "quantization", "surrogate")
"""Groups whose components get no further arguments: a class has no `_partial_`; a function has it, since it is called later."""


@exit_on_interrupt()  # because torch is first imported here
def check(job: Job, checked: set[str] | None = None) -> dict | None:
    """Check every component's arguments and build the run, without reading data and without allocating weights.

    Args:
        job: the run.
        checked: the parts that earlier calls have checked; this call adds its own. A run that differs from an earlier one in
            the seed only is not built again.

    Returns:
        The network as `snnx.run.built` describes it, without the values of its parameters; `None` if it was not built.

    Raises:
        ValueError: something is wrong; the message says in one line what is required, what was given, and in which run.
    """
    try:
        reject_secrets(job)
        reject_links(job.folder)
        _ranges(job.config)
        if checked is None or (same := _without_seed(job)) not in checked:
            _require_chosen(job.config)
            check_signatures(job.config)
            _partials(job.config)
            _require_readers(job)
            network = _build(job.config)
            if checked is not None:
                checked.add(same)
            return network
        return None
    except Exception as error:
        sweep = f"sweep={job.sweep}, " if job.sweep else ""
        where = f" [{sweep}{job.title}]" if job.row != "default" else ""
        raise ValueError(f"{reason(error)}{where}") from error


def _without_seed(job: Job) -> str:
    """Return the checked settings of a run as text, without its seed and without the same seed of its components."""

    def written(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: written(item, name) for name, item in value.items()}
        return None if key == "seed" and value == job.seed else value

    return json.dumps([written(job.config), [word for word in job.overrides if not word.startswith("seed=")]])


def _require_readers(job: Job) -> None:
    """Reject an override of a group that the run does not use.

    For example, `method=ttfs` uses no neuron, so a run named `method=ttfs,neuron=plif` would not contain the PLIF it names.
    """
    given = {word.split("=")[0].lstrip("+~").split(".")[0]: word for word in job.overrides}
    config, method = job.config, job.config["method"]["_target_"].rpartition(".")[2]
    read = groups_used(config)
    for group in OF_SOME_METHODS:
        if group in given and config[group] is not None and group not in read:
            if group == "surrogate" and "neuron" in read and config["neuron"]:
                neuron = config["neuron"]["_target_"].rpartition(".")[2]
                raise ValueError(f"{neuron} takes no argument surrogate: add it, or leave {given[group]} out")
            raise ValueError(f"{group} must not be set for {method}, which does not use it; got {given[group]}: leave it out")
    if "norm" in given and "norm" not in read:
        backbone = config["backbone"]
        which = "backbone.norm=false" if backbone.get("norm") is False else backbone["_target_"].rpartition(".")[2]
        raise ValueError(f"norm must not be set for {which}, which has no norm layers; got {given['norm']}: leave it out")
    if config["attention"] and "attention" not in read:
        part, node = next(iter(config["attention"].items()))
        raise ValueError(
            f"attention must be null for a backbone that does not use a {part}; "
            f"got {node['_target_'].rpartition('.')[2]}; choose backbone=spikformer"
        )
    if "init" in given and (loaded := loaded_from(config)):  # an `init` from a recipe is ignored without an error
        raise ValueError(f"init must not be set with {loaded[0]}, which loads the weights; got {given['init']}: leave it out")


def _require_chosen(config: dict) -> None:
    """Reject a key such as `+metric.energy.foo` of an option that was not chosen."""
    for group, options in config.items():
        several = isinstance(options, dict) and is_group(group) and "_target_" not in options
        for name, node in options.items() if several else ():
            if not isinstance(node, dict) or "_target_" not in node:
                got = ", ".join(node) if isinstance(node, dict) else node
                raise ValueError(
                    f"{group}.{name} must be an option that was chosen; got only {got}: choose it too, as in {group}=[{name}]"
                )


def _partials(config: dict) -> None:
    for group, node in config.items():
        partial = isinstance(node, dict) and node.get("_partial_", False)
        if group in COMPLETED_LATER and node is not None and not partial:
            raise ValueError(
                f"{group} must have _partial_: true, because it is built later with more arguments; got none: add it"
            )
        if group in COMPLETE and node is not None and partial != isfunction(target(group, node["_target_"])):
            rule = "not have _partial_, because its class is" if partial else "have _partial_: true, as its function is not"
            raise ValueError(f"{group} must {rule} called when the run is built; got {node['_target_']}")


def _ranges(config: dict) -> None:
    if config["seed"] < 0:
        raise ValueError(f"seed must be at least 0; got {config['seed']}")
    for key, factor in config["budget"].items():
        if not factor > 0:
            raise ValueError(f"budget.{key} must be a positive factor, such as 0.5; got {factor}")
    rate = (config["optimizer"] or {}).get("lr")
    if isinstance(rate, int | float) and not rate >= 0:
        raise ValueError(f"optimizer.lr must be at least 0; got {rate}")
    epochs = config["trainer"]["max_epochs"]
    devices = config["trainer"]["devices"]
    if not isinstance(devices, int) or devices < 1:
        raise ValueError(f"trainer.devices must be the number of processes, an integer of at least 1; got {devices}")
    nodes = config["trainer"].get("num_nodes", 1)
    if not isinstance(nodes, int) or nodes < 1:
        raise ValueError(f"trainer.num_nodes must be the number of machines, an integer of at least 1; got {nodes}")
    if nodes > 1 and config["force"]:
        raise ValueError(
            f"force must be false in a run on several machines, because each would remove what the others write; got trainer."
            f"num_nodes={nodes}: remove the run's folder instead"
        )
    if not isinstance(epochs, int) or epochs < 0:
        raise ValueError(f"trainer.max_epochs must be an integer of at least 0, where 0 tests without training; got {epochs}")


def _build(config: dict) -> dict | None:
    import torch  # not at the top, so that a wrong name is reported before the seconds that importing torch takes

    from snnx.dataset.published import NoData
    from snnx.loss.misread import misread
    from snnx.metric.recorder import Recorder
    from snnx.run.build import build_data, build_method, build_trainer, epochs_of
    from snnx.run.built import built

    with torch.device("meta"):  # tensors on it have a shape but no memory, so a network of any size costs nothing
        data = build_data(config)
        try:
            method = build_method(config, data)
        except NoData:  # the network's size depends on images that are not on this machine; the run reports that
            return None
        if "loss" in groups_used(config) and (rule := misread(method.loss, data.classes)):
            loss = getattr(method.loss, "func", method.loss)  # the function of a partial
            raise ValueError(f"{getattr(loss, '__name__', type(loss).__name__)} must {rule}")
    if method.encoding.sample_dims != len(data.sample_shape):
        if "encoding" not in groups_used(config):
            shape, name = list(data.sample_shape), type(method).__name__
            raise ValueError(
                f"dataset must have images for {name}, which brings its own encoding of images; got samples of shape {shape}; "
                "use method=direct encoding=events"
            )
        advice = "encoding=events" if len(data.sample_shape) == 4 else "an encoding of images, such as encoding=repeat"
        shape = list(data.sample_shape)
        raise ValueError(f"encoding must take samples of shape {shape}; got {type(method.encoding).__name__}: choose {advice}")
    method.require_epochs(epochs_of(config))
    Recorder(method.backbone, list(method.metrics.values()), method.watch)
    try:
        optimizer = component(config, "optimizer")([{"params": list(method.parameters())}])
    except ValueError as error:  # torch's messages do not say which component they are about
        raise ValueError(f"optimizer: {error}") from None
    component(config, "scheduler")(optimizer, 10)
    component(config, "quantization")
    build_trainer(config, "", Path(), callbacks=[])
    return built(method.backbone)
