"""What the attention denoiser has learned, head by head."""

import pytorch_lightning as pl
import torch

from snnx.attention.nsad import NSAD
from snnx.metric.metric import Metric, Table


class Denoiser(Metric, pl.Callback):
    """The learned function of every NSAD in the network, for all integer scores `v = 0 .. v_max` and each head.

        denoiser_table     = the integers that inference looks up
        denoiser_curve     = f(v), before rounding and clamping
        denoiser_threshold = u, for each block, one value per head

    Source: DS2TA, Figure 4.

    Example: see `read`, which computes these tables.
    """

    over_samples: dict[str, str] = {}

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def gathered(self) -> dict[str, Table]:
        return self._tables

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if pl_module.recorder is None:  # this tests another checkpoint
            return
        modules = {name: m for name, m in pl_module.backbone.named_modules() if isinstance(m, NSAD)}
        self._tables = read(modules)


@torch.no_grad()
def read(modules: dict[str, NSAD]) -> dict[str, Table]:
    """Return the three tables of the given denoisers; empty if there are none.

    Example:
        >>> found = read({"denoiser": NSAD(1, 3)})
        >>> {curve: [values.tolist() for values in table.values()] for curve, table in found.items()}["denoiser_table"]
        [[0.0, 0.0, 2.0, 3.0]]
        >>> list(found["denoiser_table"]), found["denoiser_threshold"]
        (['denoiser, head 0'], {'denoiser': tensor([2.])})
    """
    found: dict[str, Table] = {}
    for name, denoiser in modules.items():
        scores = torch.arange(denoiser.v_max + 1, device=denoiser.u.device, dtype=torch.float32)
        both = {"denoiser_table": denoiser.table().float(), "denoiser_curve": denoiser.curve(scores)[0]}
        for curve, values in both.items():
            rows = {f"{name}, head {head}": row for head, row in enumerate(values.cpu())}
            found.setdefault(curve, {}).update(rows)
        found.setdefault("denoiser_threshold", {})[name] = denoiser.u.detach().cpu().clone()
    return found
