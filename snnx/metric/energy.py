"""Counts the operations of the whole network, and computes their energy from several price lists."""

import torch
from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.energy import operations
from snnx.energy.chips import RATE_SPIKES, RATE_STEPS, SHARES, relative_energy
from snnx.energy.prices import PRICES
from snnx.energy.quantum import quantum
from snnx.metric.counting import Counting
from snnx.metric.metric import Table

SUMS = ("charge", "dense", "values", "products", "bias", "state", "spikes", "steps")
BYTES = 4  # size of a weight, a bias or a state


class Energy(Counting):
    """Exact synaptic operations, multiplications and modelled energy per sample; the formulas are in `formulas`.

        synops = sum over layers of additions (see `energy.operations.synops`) + products of spiking attentions
        macs   = weights of every layer that reads values, even where a value is 0, for each step; the first layer counts once
                 if its input is the same at every step
        bytes  = 4 * (synops + macs) + 4 * outputs of layers with a bias or a batch norm * T + 8 * states of neurons * T
        energy = by each of `energy.prices.PRICES`

    Batch norms, the scales of spikes and the divisions of average pooling are counted as if folded into weights and biases.
    The neurons' own arithmetic, gains on shortcuts and max pooling are not counted. The input counts as spikes if all its
    values are whole numbers. `energy_truenorth` and `energy_spinnaker` have no unit; `relative_energy` computes them from the
    spikes and the number of time steps. A network without spikes, such as a ReLU network, has neither of these nor `synops`,
    because its layers read values only. For the energy on a mesh of cores, see `mesh_energy`.

    Raises:
        ValueError: the network has an attention whose products cannot be measured; see also `Counting`.

    Source: `energy.prices`; SpikingJelly's NeuromorphicMemoryAccessCounter for bytes.

    Example:
        >>> from snnx.metric.recorder import Recorder
        >>> from snnx.neuron.if_ import IF
        >>> net, x = nn.Sequential(nn.Linear(4, 10, bias=False), IF()), torch.tensor([[[1.0, 0.0, 1.0, 1.0]]])
        >>> with Recorder(net, [Energy()]) as recorder:
        ...     recorder.see_input(x[0], x)
        ...     _ = net(x)
        ...     recorder.end_batch(torch.tensor([True]))
        >>> recorder.scalars()["test/energy_synops"], recorder.scalars()["test/energy_45nm_uj"]      # 30 * 0.9 pJ
        (30.0, 2.7e-05)
    """

    over_samples = {f"energy_{name}": "mean" for name in SUMS}
    over_time = dict.fromkeys(("energy_synops", "energy_macs", "energy_bytes"), "last")
    formulas = {
        "energy_synops": "additions: a spike of k units counts k for each weight that reads it; + products of attention",
        "energy_macs": "weights of layers that read values; the first layer counts once if its input is constant",
        "energy_bytes": "4 * (synops + macs) + 4 * outputs with a bias or a batch norm * T + 8 * neuron states * T",
        **{f"energy_{name}_uj": price.formula for name, price in PRICES.items()},
        **{
            f"energy_{chip}": f"{static} * T/{RATE_STEPS} + {dynamic} * spikes/{RATE_SPIKES:g}   [DTA-TTFS, Eq 11]"
            for chip, (static, dynamic) in SHARES.items()
        },
    }

    def begin(self, network: nn.Module) -> None:
        super().begin(network)
        self._units: dict[str, list[Tensor]] = {}  # units of the channels of each layer's input, batch by batch, on the device
        self._top: dict[str, Tensor] = {}
        self._macs: dict[tuple[str, torch.Size], float] = {}  # by layer and input shape; the host waits for a GPU once
        self._without: dict[str, Tensor] = {}  # memory traffic of the bias that a layer without bias gets from a folded norm

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        super().measure(h, s, node)
        fired = s[:1] if self._times and len(s) == 2 else s
        states = len(getattr(node, "_memories", ())) * s[0, 0].numel() * len(fired)
        spikes = fired.flatten(2).abs().sum(2).double().sum(0, keepdim=True)
        return {"energy_spikes": spikes, "energy_state": torch.full_like(spikes, 2.0 * states)}

    def measure_layer(self, layer: str, module: nn.Conv2d | nn.Linear, x: Tensor) -> dict[str, Tensor]:
        values = self.reads_values(layer)
        if self._times and len(x) == 2:
            x = x[1:] if values else x[:1]
        once = torch.ones(1, x.shape[1], dtype=torch.float64, device=x.device)
        steps = len(x)
        bias = {"energy_bias": once * operations.outputs(module, x) * steps}
        found, self._without = (bias, {}) if module.bias is not None else ({}, bias)
        if values:
            return {**found, "energy_values": once * self._macs_of(layer, module, x) * self.computed_steps(layer, steps)}
        self._units.setdefault(layer, []).append(operations.units(module, x))
        top = x.detach().abs().max().double()
        self._top[layer] = torch.maximum(self._top[layer], top) if layer in self._top else top
        dense = once * self._macs_of(layer, module, x) * steps
        return {**found, "energy_charge": operations.charge(module, x), "energy_dense": dense}

    def _macs_of(self, layer: str, module: nn.Conv2d | nn.Linear, x: Tensor) -> float:
        key = (layer, x.shape[2:])
        if key not in self._macs:
            self._macs[key] = operations.macs(module, x)
        return self._macs[key]

    def measure_norm(self, layer: str) -> dict[str, Tensor]:
        """A norm that is folded into a layer without a bias gives the layer a bias."""
        return self._without

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        return {"energy_products": self.products(before, after, attention)}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        return {"energy_steps": {"output": torch.ones(outputs.shape[:2], device=outputs.device)}}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        seen = {name: curves.get(f"energy_{name}", {}) for name in SUMS}
        total = {name: sum(float(v.sum()) for v in table.values()) for name, table in seen.items()}
        synops = {layer: float(v.sum()) for layer, v in seen["products"].items()}
        macs = {layer: float(v.sum()) for layer, v in seen["values"].items()}
        for layer, charges in seen["charge"].items():
            unit = self._unit(layer)
            found = operations.synops(charges.view(-1, len(unit)).sum(0).cpu(), unit, float(self._top[layer]))
            if found is None:
                macs[layer] = float(seen["dense"][layer].sum())
            else:
                synops[layer] = found
        added, multiplied = sum(synops.values()), sum(macs.values())
        moved = BYTES * (added + multiplied + total["bias"] + total["state"])
        kept = {"synops": synops} if synops or self._spikes else {}
        kept |= {"macs": macs, "bytes": {"all": moved}}
        kept |= {f"{name}_uj": {"all": price.uj(multiplied, added, moved)} for name, price in PRICES.items()}
        if self._spikes and not self._times:
            kept |= {chip: {"all": relative_energy(total["steps"], total["spikes"], chip)} for chip in SHARES}
        return {
            f"energy_{name}": {
                layer: torch.tensor([value], dtype=torch.float64) for layer, value in (table or {"all": 0.0}).items()
            }
            for name, table in kept.items()
        }

    def _unit(self, layer: str) -> Tensor:
        """Return the unit of each channel of a layer's input over all batches, on the CPU."""
        first, *others = torch.stack(self._units[layer]).cpu()
        unit = quantum(first[:, None])
        for new in others:
            unit = quantum(torch.stack([unit, new], dim=1))
        self._units[layer] = [unit]
        return unit
