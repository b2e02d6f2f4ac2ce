"""Reads what the attention denoiser has learned, head by head."""

import torch
from torch import nn

from snnx.attention.nsad import NSAD
from snnx.metric.learned import Learned
from snnx.metric.metric import Table


class Denoiser(Learned):
    """The learned function of every NSAD in the network, for all integer scores `v = 0 .. v_max` and each head.

        denoiser_table     = the integers that inference looks up
        denoiser_curve     = f(v), before rounding and clamping
        denoiser_threshold = u, for each block, one value per head

    Source: DS2TA, Figure 4.

    Example: see `read`, which computes these tables.
    """

    def read(self, network: nn.Module) -> dict[str, Table]:
        return read({name: module for name, module in network.named_modules() if isinstance(module, NSAD)})


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
