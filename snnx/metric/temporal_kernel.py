"""Records the kernels of a converted network, which say what value a spike has at each step."""

import pytorch_lightning as pl
import torch

from snnx.conversion.code.first_spike import FirstSpike
from snnx.metric.metric import Metric, Table

INPUT = "input"
"""Name of the input's kernel in the tables."""


class KernelConstants(Metric, pl.Callback):
    """The two constants of each layer's kernel, and of the input's. The kernel gives the value of a spike:

        value = exp(-(t - delay)/time_constant)
        kernel_time_constant, kernel_delay     in steps, one number for each layer and for `input`, logged as train/kernel_...
        kernel_..._input                       that of the input
        kernel_..._layers                      the mean over the layers, without the input

    The step t is counted from the start of the layer's window. With `method.code=t2fsnn` the constants are tuned after the
    training, with `method.code=park` they are learned in it. Other codes and methods have no kernels and give no numbers.

    Source: Park et al., 2020 (T2FSNN); Park and Yoon, 2021.

    Example: see `tables`, which computes them.
    """

    over_samples: dict[str, str] = {}
    in_pieces = True

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def gathered(self) -> dict[str, Table]:
        return self._tables

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        layers = [float(value) for name, value in table.items() if name != INPUT]
        return {"input": float(table[INPUT]), "layers": sum(layers) / len(layers)}

    def on_test_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int) -> None:
        code = getattr(pl_module, "code", None)  # the network has been converted before the first batch
        if batch_idx == 0 and pl_module.recorder is not None and isinstance(code, FirstSpike):
            self._tables = tables(code.kernels)


def tables(kernels: dict[str | None, tuple[float, float]]) -> dict[str, Table]:
    """Return the two tables of the kernels of a conversion, whose key `None` is the input.

    Example:
        >>> tables({None: (25.5, 0.0), "sn1": (19.5, -2.0)})["kernel_time_constant"]
        {'input': tensor([25.5000]), 'sn1': tensor([19.5000])}
    """
    pairs = {INPUT if name is None else name: pair for name, pair in kernels.items()}
    return {
        "kernel_time_constant": {name: torch.tensor([constant]) for name, (constant, _) in pairs.items()},
        "kernel_delay": {name: torch.tensor([delay]) for name, (_, delay) in pairs.items()},
    }
