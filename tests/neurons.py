"""The neurons that the tests of kernels run on, and how they run."""

import torch
from composing import composed
from hydra.utils import get_object
from own_neurons import OWN

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.operation_recorder import Untraceable
from snnx.neuron.kernel.trace import trace
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS
from snnx.options.files import files


def option(group: str, name: str):
    """Build an option of conf/ as the command does, without the surrogate, which is another group."""
    config = composed(f"{group}={name}").config[group]
    return get_object(config["_target_"])(**{key: value for key, value in config.items() if not key.startswith("_")})


SHIPPED = [name for name in files("neuron") if isinstance(option("neuron", name), Node)]


def traced(node: Node):
    """Trace a node for two dimensions; `None` if it has no kernel."""
    try:
        return trace(node, 2)
    except Untraceable:
        return None


TRACED = [name for name in SHIPPED if traced(option("neuron", name))]
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
SURROGATES = files("surrogate")


def layer_of(name: str, v_reset: float | None = -0.25) -> Node:
    return FIXED[name]() if name in FIXED else LAYERS[name](v_reset=v_reset)


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
