"""The schema of a run: every key at its top level, with its type."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass
class Budget:
    """The settings of a scale: factors by which the paper's epochs, samples and widths are multiplied in a run."""

    epochs: float = 1.0
    samples: float = 1.0
    width: float = 1.0
    test_samples: float = 1.0  # a further factor on the number of test samples


class Matmul(Enum):
    """The values of `torch.set_float32_matmul_precision`; each also decides about convolutions."""

    highest = "highest"
    high = "high"
    medium = "medium"


Compile = Enum("Compile", {mode: mode for mode in ("default", "reduce-overhead")})
"""The modes of `torch.compile`. `Enum(...)` makes them, since `reduce-overhead` is not a valid Python name."""


@dataclass
class Sweep:
    """The key `sweep` of a sweep file, which describes it for loggers and reports."""

    paper: str = "???"
    artifact: str = "???"
    factor: Any = None  # a group or key, or a list of them
    metric: str = "val/acc"
    unit: str | None = None
    claims: list[Any] = field(default_factory=list)
    needs: str | None = None
    reference: str | None = None
    break_even: str | None = None


@dataclass
class RunSchema:
    """The top level of a run's configuration: plain values with their types, and one node per group."""

    timesteps: int = 4
    seed: int = 0
    dataset: Any = None
    augmentation: Any = None
    encoding: Any = None
    surrogate: Any = None
    neuron: Any = None
    attention: Any = None
    norm: Any = None
    backbone: Any = None
    decoding: Any = None
    loss: Any = None
    init: Any = None
    method: Any = None
    quantization: Any = None
    metric: dict[str, Any] = field(default_factory=dict)
    optimizer: Any = None
    scheduler: Any = None
    trainer: Any = None
    logger: dict[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    sweep: Sweep | None = None
    label: str | None = None  # label of the sweep's row
    search: Any = None  # study, number, storage and pruner of a trial of a search; set by hydra/sweeper=snnx_tune
    tuned: Any = None  # the search that chose this run's settings, if one did; set by hydra/sweeper=snnx_tune
    matmul: Matmul = Matmul.highest  # how float32 products and convolutions are computed: on a GPU, high uses TF32 in both
    compile: Compile | None = None  # mode in which torch.compile compiles the training steps; null does not compile
    packed_spikes: bool = False  # keep spikes for the backward pass as one bit each
    recompute: bool = False  # keep only the input of each block for the backward pass, and compute its inside again there
    recompute_steps: int | None = None  # in backward, compute segments of so many steps again; for networks without norms
    channels_last: bool = False  # keep weights and feature maps as [B, H, W, C] in memory, which may be faster
    test_every_epoch: bool = False  # also test after each epoch, for a report on choosing an epoch on the test set
    force: bool = False  # execute a run again even if it is done
    recorded: bool = False  # count runs of the committed record as done
    outdated: bool = False  # accept results and checkpoints that were computed with other code or other samples
