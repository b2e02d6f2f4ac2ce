"""The neurons that the tests of kernels run on, and how they run."""

from functools import partial
from typing import NamedTuple

import torch
from composing import configuration
from hydra.utils import get_object
from own_neurons import OWN
from torch import nn

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.cuda.triton_backend import TritonBackend
from snnx.neuron.kernel.find import Fused
from snnx.neuron.kernel.layer import Layer
from snnx.neuron.kernel.operation_recorder import Untraceable
from snnx.neuron.kernel.trace import trace
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node, Taken
from snnx.neuron.plif import PLIF
from snnx.neuron.take_norms import take_norms
from snnx.neuron.ttfs import TTFS
from snnx.options.files import files


def option(group: str, name: str, **changed):
    """Build an option of conf/ as the command does, without the surrogate, which is another group."""
    config = configuration(f"{group}={name}")[group]
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    return get_object(config["_target_"])(**{**given, **changed})


SHIPPED = [name for name in files("neuron") if isinstance(option("neuron", name), Node)]


def traced(node: Node):
    """Trace a node for two dimensions; `None` if it has no kernel."""
    try:
        return trace(node, 2)
    except Untraceable:
        return None


TRACED = [name for name in SHIPPED if traced(option("neuron", name))]
RESETS = {
    "hard": {"v_reset": -0.25},
    "soft": {"v_reset": None},
    "detached": {"detach_reset": True},
    "exact mask": {"detach_mask": False},
}
"""What a neuron can have besides the values of its YAML file, as far as the file has the key."""


def resets(name: str) -> dict[str, dict]:
    """Return the variants of an option that differ in the reset or in its gradient; one is the option itself."""
    keys = configuration(f"neuron={name}")["neuron"]
    found = {how: change for how, change in RESETS.items() if set(change) <= set(keys)}
    return found if "v_reset" in keys else {"as it is": {}, **found}


WALKED = {
    f"{name}, {how}": partial(option, "neuron", name, **change) for name in TRACED for how, change in resets(name).items()
}
"""Every shipped neuron that has a kernel, with each of its resets."""
LAYERS = {
    "if": lambda **reset: IF(**reset),
    "lif": lambda **reset: LIF(tau=2.3, **reset),
    "lif-plain": lambda **reset: LIF(tau=2.3, decay_input=False, **reset),
    "plif": lambda **reset: PLIF(tau=2.3, **reset),
    "plif-plain": lambda **reset: PLIF(tau=2.3, decay_input=False, **reset),
    "klif": lambda **reset: KLIF(k=1.3, tau=2.3, **reset),
    "klif-scaled": lambda **reset: KLIF(k=1.3, tau=2.3, scale_reset=True, **reset),
    "klif-before": lambda **reset: KLIF(k=1.3, tau=2.3, klif_form="before_charge", decay_input=False, **reset),
}
ONCE = {
    "ttfs": lambda: TTFS(),
    "ttfs-exact": lambda: TTFS(detach_mask=False),
    "ttfs-leaky": lambda: TTFS(tau=2.3),
    "ttfs-leaky-plain": lambda: TTFS(tau=2.3, decay_input=False, detach_mask=False),
    "ttfs-forced": lambda: TTFS(force_last_spike=True),
}
FIXED = {**ONCE, **OWN}
"""Neurons that are tested with their own reset."""
FORMS = {
    **{name: partial(LAYERS[name], v_reset=-0.25) for name in ("klif-scaled", "klif-before")},
    **{name: ONCE[name] for name in ("ttfs-leaky", "ttfs-leaky-plain")},
}
"""Forms of shipped neurons that compute other steps than those of their options."""
MADE = {**WALKED, **FORMS, **OWN}
"""Every shipped neuron that has a kernel, with each of its resets, those forms, and ten neurons of users."""
SURROGATES = files("surrogate")


def layer_of(name: str, v_reset: float | None = -0.25) -> Node:
    return FIXED[name]() if name in FIXED else LAYERS[name](v_reset=v_reset)


def on_triton(node: Node) -> Node:
    """Let a neuron compute on Triton although its input is on a CPU."""

    def fused(x, states):
        layer = Layer(TritonBackend(trace(node, x.dim() - 1)))
        return Fused(layer.backend.name, layer.runner(node), layer.trace.compares)

    node.fused = fused
    return node


def run(node, x, weight=None, **first):
    """Run forward and backward from the `first` states; return spikes, potentials, last states and all gradients."""
    seen = []
    node.reset()
    node.zero_grad()
    node.probe = lambda h, s: seen.append(h)
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    first = {name: state.detach().clone().requires_grad_() for name, state in first.items()}
    for name, state in first.items():
        setattr(node, name, state)
    s = node(x)
    last = [getattr(node, name) for name in node._memories]
    weight = torch.linspace(0.1, 1, s.numel()).view(s.shape) if weight is None else weight
    ((s * weight).sum() + sum((state * 0.5).sum() for state in last)).backward()
    gradients = {name: p.grad.clone() for name, p in node.named_parameters()} | {"x": x.grad}
    gradients |= {name: torch.zeros_like(state) if state.grad is None else state.grad for name, state in first.items()}
    return node.path, (s.detach(), seen[0], *(state.detach() for state in last)), gradients


POTENTIAL_DIFFERENCE = 5e-7
GRADIENT_DIFFERENCE = 2e-6
"""The largest differences allowed between a Triton kernel that computes a norm with its neurons, and the definition.

They are divided by the largest value; docs/guides/fused_neurons.md states them.
"""
OTHER_SPIKES = 1e-5
"""The share of spikes that may differ, where a potential is at the threshold."""
ON_A_GPU = 10
"""The factor of these bounds on a GPU, which sums mean and variance in another order."""


def norm_of(name: str, channels: int) -> nn.Module:
    """Build an option of conf/norm with weights that are not all the same."""
    config = configuration(f"norm={name}")["norm"]
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    norm = get_object(config["_target_"])(channels, v_threshold=0.8, meets_sum=False, **given)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.linspace(0.7, 1.3, parameter.numel()).view(parameter.shape))
    return norm


def can_be_taken(name: str) -> bool:
    steps = configuration(f"norm={name}")["timesteps"]
    return take_norms(nn.Sequential(norm_of(name, 3), LIF()), torch.zeros(steps, 2, 3, 4, 4)) == 1


TAKEN = [name for name in files("norm") if can_be_taken(name)]
"""The norms that a neuron layer can compute."""


def as_one_on_triton(norm: nn.Module, node: Node) -> tuple[nn.Module, Node]:
    """Let the neuron layer compute the norm, on Triton although its input is on a CPU."""
    norm.taken, node.norm = True, Taken(norm, 2, None)
    return norm, on_triton(node)


class NormedRun(NamedTuple):
    """What a norm and a neuron layer give for a sequence."""

    path: str
    spikes: torch.Tensor
    potentials: torch.Tensor
    gradients: list[torch.Tensor]
    """Of the input, and of the parameters of both."""


def normed_run(norm: nn.Module, node: Node, x: torch.Tensor) -> NormedRun:
    """Run forward and backward."""
    seen, x = [], x.clone().requires_grad_()
    node.probe = lambda h, s: seen.append(h)
    s = node(norm(x))
    (s * torch.linspace(0.1, 1, s.numel(), device=s.device).view(s.shape)).sum().backward()
    gradients = [x.grad, *(p.grad for part in (norm, node) for p in part.parameters())]
    return NormedRun(node.path, s.detach().cpu(), seen[0].cpu(), [gradient.cpu() for gradient in gradients])


class Differences(NamedTuple):
    """The share of spikes that differ, and the largest differences of other neurons' potentials and of all gradients."""

    spikes: float
    potential: float
    gradient: float


def differences(one: NormedRun, two: NormedRun) -> Differences:
    """Compare two runs; potentials and gradients relative to the largest one."""
    other = one.spikes != two.spikes
    same = ~other.any(0)

    def largest(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((a - b).abs().max() / b.abs().max())

    return Differences(
        spikes=float(other.float().mean()),
        potential=largest(one.potentials[:, same], two.potentials[:, same]),
        gradient=max(map(largest, one.gradients, two.gradients)),
    )
