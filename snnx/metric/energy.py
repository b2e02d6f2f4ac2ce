"""Counts the operations of the whole network, and computes their energy from several price lists."""

from math import ceil, log2

import torch
from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.energy import operations
from snnx.energy.chips import RATE_SPIKES, RATE_STEPS, SHARES, relative_energy
from snnx.energy.prices import INT8, PRICES
from snnx.energy.quantum import quantum
from snnx.metric.counting import Counting
from snnx.metric.metric import Table
from snnx.neuron.relu_quantised import QuantisedReLU

SUMS = ("charge", "dense", "values", "products", "bias", "state", "spikes", "steps", "inputs")
BYTES = 4  # size of a weight, a bias or a state
STATE_BYTES, VALUE_BITS = 2, 8  # of the chip with weights of 8 bits


class Energy(Counting):
    """Exact synaptic operations, multiplications and modelled energy per sample; the formulas are in `formulas`.

        synops = sum over layers of additions (see `energy.operations.synops`) + products of spiking attentions
        macs   = weights of every layer that reads values, even where a value is 0, for each step; the first layer counts once
                 if its input is the same at every step
        bytes  = 4 * (synops + macs) + 4 * outputs of layers with a bias or a batch norm * T + 8 * states of neurons * T
        energy = by each of `energy.prices.PRICES`
        int8_bytes  = synops + macs + outputs of layers with a bias or a batch norm * T         weights of one byte
                      + 2 * (bits of all inputs)/8 + 2 * 2 * states of neurons * T              each written and read
        int8_memory = by `energy.prices.INT8`, with int8_bytes
        bits   = for each number that a layer reads at a step: of spikes, those of the largest one in the layer's common unit,
                 without its sign: 1 if all are 0 or 1, and 8 if the channels have no common unit; of values 8, or the bits of
                 the network's `QuantisedReLU`

    `int8_memory` counts for a spiking network and for a quantised one what both move, and fetches a weight for each operation.
    An average of quantised values is counted with the bits of one value, although it can take more; an average of spikes with
    all its levels. Layers of spike times (`method=ttfs`) count as one step, T = 1.

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
    over_time = dict.fromkeys(("energy_synops", "energy_macs", "energy_bytes", "energy_int8_bytes"), "last")
    formulas = {
        "energy_synops": "additions: a spike of k units counts k for each weight that reads it; + products of attention",
        "energy_macs": "weights of layers that read values; the first layer counts once if its input is constant",
        "energy_bytes": "4 * (synops + macs) + 4 * outputs with a bias or a batch norm * T + 8 * neuron states * T",
        **{f"energy_{name}_uj": price.formula for name, price in PRICES.items()},
        "energy_int8_bytes": "synops + macs + outputs with a bias or batch norm * T + 2 * (bits of inputs)/8 + 4 * states * T",
        "energy_int8_memory_uj": INT8.formula.replace("bytes", "int8_bytes"),
        **{
            f"energy_{chip}": f"{static} * T/{RATE_STEPS} + {dynamic} * spikes/{RATE_SPIKES:g}   [DTA-TTFS, Eq 11]"
            for chip, (static, dynamic) in SHARES.items()
        },
    }

    def begin(self, network: nn.Module) -> None:
        super().begin(network)
        quantised = [module.bits for module in network.modules() if isinstance(module, QuantisedReLU)]
        self._value_bits = min(VALUE_BITS, max(quantised, default=VALUE_BITS))
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
            computed = self.computed_steps(layer, steps)
            bits = VALUE_BITS if layer == self._first else self._value_bits
            found["energy_inputs"] = once * x[0, 0].numel() * computed * bits
            return {**found, "energy_values": once * self._macs_of(layer, module, x) * computed}
        found["energy_inputs"] = once * x[0, 0].numel() * steps
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
        bits = sum(float(seen["inputs"][layer].sum()) for layer in seen["values"])
        for layer, charges in seen["charge"].items():
            unit = self._unit(layer)
            bits += float(seen["inputs"][layer].sum()) * self._bits_of(layer, unit)
            found = operations.synops(charges.view(-1, len(unit)).sum(0).cpu(), unit, float(self._top[layer]))
            if found is None:
                macs[layer] = float(seen["dense"][layer].sum())
            else:
                synops[layer] = found
        added, multiplied = sum(synops.values()), sum(macs.values())
        moved = BYTES * (added + multiplied + total["bias"] + total["state"])
        small = added + multiplied + total["bias"] + 2 * bits / 8 + STATE_BYTES * total["state"]
        kept = {"synops": synops} if synops or self._spikes else {}
        kept |= {"macs": macs, "bytes": {"all": moved}}
        kept |= {f"{name}_uj": {"all": price.uj(multiplied, added, moved)} for name, price in PRICES.items()}
        kept |= {"int8_bytes": {"all": small}, "int8_memory_uj": {"all": INT8.uj(multiplied, added, small)}}
        if self._spikes and not self._times:
            kept |= {chip: {"all": relative_energy(total["steps"], total["spikes"], chip)} for chip in SHARES}
        return {
            f"energy_{name}": {
                layer: torch.tensor([value], dtype=torch.float64) for layer, value in (table or {"all": 0.0}).items()
            }
            for name, table in kept.items()
        }

    def _bits_of(self, layer: str, unit: Tensor) -> int:
        """Return the bits of the largest input of a layer, in units; at most those of a value."""
        common = float(quantum(unit[None])[0])
        return min(VALUE_BITS, ceil(log2(round(float(self._top[layer]) / common) + 1))) if common else 1

    def _unit(self, layer: str) -> Tensor:
        """Return the unit of each channel of a layer's input over all batches, on the CPU."""
        first, *others = torch.stack(self._units[layer]).cpu()
        unit = quantum(first[:, None])
        for new in others:
            unit = quantum(torch.stack([unit, new], dim=1))
        self._units[layer] = [unit]
        return unit
