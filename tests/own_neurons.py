"""Neurons that a user could write, and for which the project has no line of code."""

from typing import NamedTuple

import torch
from adaptive import ALIF
from spikingjelly.activation_based import surrogate as sg
from torch import Tensor, nn
from torch.nn import functional

from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node


class Halved(LIF):
    """LIF with half the input."""

    def charge(self, x, v):
        return super().charge(x / 2, v)


class Masked(LIF):
    """It multiplies and adds what is true or false, which counts as 1 or 0."""

    def charge(self, x, v):
        return super().charge(x * ((x > -0.5) * (x < 2.5)) + (x > 0.7) - 0.2 * ((v > 0.5) + (x > 1)), v)


class Damped(LIF):
    """Its gain is a function of a number alone."""

    def charge(self, x, v):
        return super().charge(torch.exp(torch.full_like(v, -0.5)) * x, v)


class Steep(sg.ATan):
    """A subclass of a surrogate, with its parent's slope."""


class Gaussian(torch.autograd.Function):
    """A slope of the user's own."""

    @staticmethod
    def forward(ctx, x, width):
        ctx.save_for_backward(x)
        ctx.width = width
        return (x >= 0).to(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.exp(-((x / ctx.width) ** 2)) / ctx.width, None


class Bell(nn.Module):
    """A surrogate that is no class of SpikingJelly's."""

    width = 0.6

    def forward(self, x):
        return Gaussian.apply(x, self.width)


class Learned(Node):
    """An adaptive threshold with two learned numbers, which two functions keep in their ranges."""

    class State(NamedTuple):
        v: Tensor
        b: Tensor | float = 0.0

    def __init__(self, **more):
        super().__init__(**more)
        self.leak = nn.Parameter(torch.tensor(0.7))
        self.rise = nn.Parameter(torch.tensor(0.3))

    def charge(self, x, v):
        return v * self.leak.sigmoid() + x

    def threshold(self, state):
        return self.v_threshold + state.b

    def step(self, x, state):
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        return h, s, self.State(self.discharge(h, s), 0.9 * state.b + functional.softplus(self.rise) * s)


class CUBA(LIF):
    """The input goes through a synaptic current that decays."""

    class State(NamedTuple):
        v: Tensor
        current: Tensor | float = 0.0

    def step(self, x, state):
        current = 0.8 * state.current + x
        h = self.charge(current, state.v)
        s = self.fire(h, state)
        return h, s, self.State(self.discharge(h, s), current)


class Refractory(LIF):
    """After a spike it takes no input for some steps."""

    class State(NamedTuple):
        v: Tensor
        rest: Tensor | float = 0.0

    def step(self, x, state):
        h = torch.where(state.rest > 0, state.v, self.charge(x, state.v))
        s = self.fire(h, state) * (state.rest <= 0)
        return h, s, self.State(self.discharge(h, s), torch.where(s > 0, 3.0, torch.clamp(state.rest - 1, min=0)).detach())


class Quadratic(Node):
    """The quadratic integrate-and-fire neuron."""

    def charge(self, x, v):
        return v + 0.25 * (v - 0.1) ** 2 + x.clamp(-3, 3) / 2.5


class Exponential(Node):
    """The exponential integrate-and-fire neuron."""

    def charge(self, x, v):
        return v + (x - v + 0.2 * torch.exp((v - 0.8) / 0.2)) / 3.0


class Rectified(Node):
    """A neuron that softens its input."""

    def charge(self, x, v):
        return 0.5 * v + functional.softplus(x, beta=3.0) / 2


class Ternary(IF):
    """It also fires negative spikes."""

    def fire(self, h, state):
        threshold = self.threshold(state)
        return self.surrogate_function(h - threshold) - self.surrogate_function(-h - threshold)

    def discharge(self, h, s):
        return h - self.v_threshold * s


class Resonate(Node):
    """A damped oscillation, changed in place as some write it."""

    class State(NamedTuple):
        v: Tensor
        w: Tensor | float = 0.0

    def step(self, x, state):
        h = 0.9 * state.v - 0.3 * state.w
        h += x
        s = self.fire(h, state)
        w = 0.3 * state.v + 0.9 * state.w
        return h, s, self.State(self.discharge(h, s), w.mul_(0.95))


class Noisy(LIF):
    def charge(self, x, v):
        return super().charge(x + torch.rand_like(x), v)


class Branching(LIF):
    def charge(self, x, v):
        return super().charge(x, v) if bool((x > 0).any()) else v


class Choosing(LIF):
    """It can take a single neuron only."""

    def charge(self, x, v):
        return super().charge(x, v) if x > 0 else v


class Mixing(LIF):
    """Lateral inhibition: each neuron is inhibited by the mean of all."""

    def charge(self, x, v):
        return super().charge(x - x.mean(-1, keepdim=True), v)


class Shifted(LIF):
    def charge(self, x, v):
        return super().charge(x.roll(1, -1), v)


class Reshaping(LIF):
    def charge(self, x, v):
        return super().charge(x, v.reshape(-1).view(x.shape))


class Each(LIF):
    """A time constant for each of 37 neurons."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(37))

    def charge(self, x, v):
        return super().charge(x * self.gain, v)


class PerChannel(LIF):
    """A threshold for each of 3 channels."""

    def __init__(self):
        super().__init__()
        self.level = nn.Parameter(torch.linspace(0.5, 1.5, 3).view(3, 1, 1))

    def threshold(self, state):
        return self.level


class Counting(LIF):
    """It counts its own steps."""

    count = 0

    def charge(self, x, v):
        self.count += 1
        return super().charge(x / self.count, v)


class Wide(LIF):
    """Its input counts the less the more neurons there are."""

    def charge(self, x, v):
        return super().charge(x / x.shape[-1], v)


class Crowded(LIF):
    def charge(self, x, v):
        return super().charge(x * (0.5 if x.numel() > 50 else 1.0), v)


class Learning(LIF):
    def charge(self, x, v):
        return super().charge(2 * x if x.requires_grad else x, v)


class Peak(LIF):
    def charge(self, x, v):
        return super().charge(x if x.detach().numpy().max() > 0.5 else 2 * x, v)


class Listed(LIF):
    def charge(self, x, v):
        return super().charge(x * len(v.detach().tolist()), v)


class Centred(LIF):
    """It keeps the mean of its last potentials, and its recording stops at the mean, before the mean is kept."""

    mean = 0.0

    def charge(self, x, v):
        h = super().charge(x - self.mean, v)
        self.mean = h.mean().detach()
        return h


class Shared(LIF):
    """All neurons of this class count their steps together."""

    count = 0

    def charge(self, x, v):
        type(self).count += 1
        return super().charge(x, v)


class Averaging(LIF):
    """It replaces a buffer at each step."""

    def __init__(self):
        super().__init__()
        self.register_buffer("ema", torch.tensor(1.0))

    def charge(self, x, v):
        self.ema = 0.9 * self.ema
        return super().charge(self.ema * x, v)


class Numbered(LIF):
    """Its neurons have different numbers, made anew at each step."""

    def charge(self, x, v):
        return super().charge(x + torch.ones_like(v).cumsum(-1), v)


class Precise(LIF):
    def charge(self, x, v):
        return super().charge(x.double(), v).float()


class Weighted(LIF):
    def charge(self, x, v):
        return torch.add(super().charge(x, v), v, alpha=-0.1)


class Absent(LIF):
    """It returns a number as its state."""

    def step(self, x, state):
        h, s, _ = super().step(x, state)
        return h, s, self.State(0.0)


class Shapely(LIF):
    """It knows the shape of its input."""

    def charge(self, x, v):
        return super().charge(x.view(37, 3).view(x.shape), v)


class Many(LIF):
    """Nine learned numbers."""

    def __init__(self):
        super().__init__()
        self.gains = nn.ParameterList(nn.Parameter(torch.tensor(0.1)) for _ in range(9))

    def charge(self, x, v):
        return super().charge(sum(gain * x for gain in self.gains), v)


class Gamma(LIF):
    def charge(self, x, v):
        return super().charge(torch.lgamma(x.abs() + 1), v)


class Whole(LIF):
    """It computes the sequence by itself."""

    def sequence(self, x, state):
        return super().sequence(x, state)


OWN = {
    "halved": lambda: Halved(tau=2.3),
    "masked": lambda: Masked(tau=2.3),
    "damped": lambda: Damped(tau=2.3),
    "steep": lambda: LIF(surrogate=Steep()),
    "bell": lambda: LIF(surrogate=Bell(), tau=3.0),
    "alif": lambda: ALIF(beta=0.7),
    "learned": lambda: Learned(v_reset=None),
    "cuba": lambda: CUBA(tau=2.3, v_reset=-0.2),
    "refractory": lambda: Refractory(v_reset=None),
    "quadratic": lambda: Quadratic(),
    "ternary": lambda: Ternary(v_reset=None),
    "resonate": lambda: Resonate(v_reset=None),
}
"""Their spikes equal those of their definition."""

DEPENDS = "its operations or numbers depend on a shape, on a value, or on whether a gradient is wanted"
REFUSED = {
    "noisy": (Noisy, r"it draws random numbers \(rand_like\)"),
    "branching": (Branching, "any changes the shape, so a neuron may depend on others"),
    "mixing": (Mixing, "mean changes the shape, so a neuron may depend on others"),
    "shifted": (Shifted, "roll is not an elementwise operation that a kernel can compute"),
    "reshaping": (Reshaping, "_?view changes the shape, so a neuron may depend on others"),
    "each": (Each, r"gain is not one float32 number but \[37\] in float32"),
    "counting": (Counting, "its step changes count, which no reset restores: keep it in State"),
    "centred": (Centred, "its step changes mean, which no reset restores: keep it in State"),
    "wide": (Wide, DEPENDS),
    "crowded": (Crowded, DEPENDS),
    "learning": (Learning, DEPENDS),
    "peak": (Peak, r"it takes values out of torch \(numpy\)"),
    "listed": (Listed, r"it takes values out of torch \(tolist\)"),
    "shared": (Shared, "its step changes an attribute of the neuron, which no reset restores: keep it in State"),
    "averaging": (Averaging, "its step changes ema, which no reset restores: keep it in State"),
    "numbered": (Numbered, "cumsum gives neurons different numbers"),
    "precise": (Precise, "_to_copy gives float64, and kernels compute in float32"),
    "weighted": (Weighted, "add is called with alpha=-0.1"),
    "many": (Many, "it has more than 8 states or parameters"),
    "gamma": (Gamma, "lgamma is not an elementwise operation that a kernel can compute"),
    "whole": (Whole, "Whole has its own method `sequence`"),
}
"""Neurons that run on their definition, with the reason."""
