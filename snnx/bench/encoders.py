"""Measures the time that each encoding takes per value of its output."""

from collections.abc import Callable

import torch
import yaml
from spikingjelly.activation_based import functional
from torch import Tensor

from snnx.bench.turns import in_turns, medians
from snnx.encoding.encoding import Encoding
from snnx.options.files import files
from snnx.report.tables.table import Table
from snnx.run.component import component

FULL = {"shape": (64, 1, 28, 28), "timesteps": 10, "rounds": 30}
SMOKE = {"shape": (2, 1, 8, 8), "timesteps": 3, "rounds": 2}


def encodings(timesteps: int, channels: int) -> dict[str, Encoding]:
    """Build every option of `conf/encoding` with the arguments in its file.

    Args:
        timesteps: replaces `${timesteps}` in the files.
        channels: of the images.
    """
    built = {}
    for option, file in files("encoding").items():
        node = yaml.safe_load(file.read_text(encoding="utf-8"))
        node = {key: timesteps if value == "${timesteps}" else value for key, value in node.items()}
        config = {"encoding": node, "neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True}, "surrogate": None}
        built[option] = component(config, "encoding")(in_channels=channels)
    return built


def measure(shape: tuple[int, ...], timesteps: int, rounds: int) -> dict:
    """Time every encoding on uniformly random images.

    Args:
        shape: `[B, C, H, W]` of the images.
        timesteps: `T` of the encodings.
        rounds: how often each encoding is timed.

    Returns:
        The seconds of every round by encoding, how many values each encoding puts out, and the arguments.
    """
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    options = encodings(timesteps, shape[1])
    inputs = {3: x, 4: torch.stack([x] * timesteps, dim=1)}  # dimensions of a sample: 3 for images, 4 for event frames
    given = {name: inputs[encoding.sample_dims] for name, encoding in options.items()}
    with torch.no_grad():
        values = {name: encoding(given[name]).numel() for name, encoding in options.items()}
        seconds = in_turns({name: from_rest(encoding, given[name]) for name, encoding in options.items()}, rounds)
    return {"shape": list(shape), "timesteps": timesteps, "rounds": rounds, "values": values, "seconds": seconds}


def from_rest(encoding: Encoding, x: Tensor) -> Callable[[], Tensor]:
    """A function that encodes `x`; the state of an encoding with neurons is reset before each call."""

    def encode() -> Tensor:
        functional.reset_net(encoding)
        return encoding(x)

    return encode


def tables(measured: dict) -> list[Table]:
    """Make the table, with one row per encoding."""
    values = measured["values"]
    rows = tuple(
        (name, f"{1e3 * second:.3f}", f"{1e9 * second / values[name]:.3f}")
        for name, second in medians(measured["seconds"]).items()
    )
    title = f"Encoding {measured['shape']} in {measured['timesteps']} steps, median of {measured['rounds']}"
    return [Table(title, ("encoding", "ms", "ns per output value"), "lrr", rows)]
