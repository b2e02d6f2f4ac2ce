"""Writes a traced step as Python text, with one function for each call of the loops, and compiles the text.

For a LIF with a soft reset, `step` reads::

    def step(x, v, i, c):
        v0 = v[i]
        n0, n1, n2, n3, n4 = c
        a0 = v0 - n0
        a1 = x - a0
        ...
        v[i] = a8
        return a3, a6, ZERO

`keep` computes the same step again before the backward pass, and stores the values that the gradient needs. `back` computes the
gradient of one step, with the help of `again` and `slopes`. `load` reads the numbers.
"""

import math
import sys
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from types import ModuleType
from typing import NamedTuple

from numba.extending import register_jitable

from snnx.neuron.kernel.choose import choose
from snnx.neuron.kernel.constants import ONE, ZERO
from snnx.neuron.kernel.memory import PIECE, WIDEST
from snnx.neuron.kernel.needed import dependent, names_in, needed, what_to_keep
from snnx.neuron.kernel.operation_recorder import Operation
from snnx.neuron.kernel.rules import RULES
from snnx.neuron.kernel.trace import Trace
from snnx.neuron.kernel.vector_exp import fused, vector_exp
from snnx.neuron.kernel.vector_tanh import vector_tanh


class Kernel(NamedTuple):
    """What the loops are compiled for."""

    step: Callable
    """`step(x, v, i, c) -> h, s, threshold`; it also updates the states in `v`."""
    keep: Callable
    """`keep(x, v, i, kept, at, c)`: it updates the states too, and stores what `back` needs."""
    back: Callable
    """`back(x, gs, g, i, kept, at, shares, c) -> gx`; it also updates the states' gradients in `g`, and adds to `shares`."""
    load: Callable
    """`load(address) -> c`, the constants."""
    constants: tuple[str, ...]
    """The names of the numbers and settings in `c`."""
    states: int
    kept: int
    learned: int
    moving: bool
    """Whether the threshold changes."""


def render(trace: Trace) -> Kernel:
    """Write and compile the functions of a traced step."""
    numbers = [f"n{i}" for i in range(len(trace.numbers))]
    parameters = [f"p{i}" for i in range(len(trace.parameters))]
    outside = [*numbers, *parameters, *(setting.name for setting in trace.settings)]
    inputs = ["x", *(f"v{j}" for j in range(len(trace.states)))]
    gradients = [trace.grad_x, *trace.grad_states, *trace.grad_parameters]
    coming = ["gs", *(f"gv{j}" for j in range(len(trace.states)))]
    shown = [trace.h, trace.s, *([trace.threshold] if trace.threshold else [])]
    kept = what_to_keep(trace, inputs, gradients, [*coming, *outside])
    chain = needed(trace.operations, gradients, ["x", *kept, *coming, *outside])
    again = [operation for operation in chain if not operation.gradient]
    arriving = dependent(chain, coming)
    slopes = [operation for operation in chain if operation.gradient and operation.name not in arriving]
    linear = [operation for operation in chain if operation.gradient and operation.name in arriving]
    values = [operation.name for operation in again if operation.name in names_in(slopes, linear) | set(gradients)]
    heights = [operation.name for operation in slopes if operation.name in names_in(linear) | set(gradients)]
    chains = [
        needed(trace.operations, [*shown, *trace.states], [*inputs, *outside]),
        needed(trace.operations, [*kept, *trace.states], [*inputs, *outside]),
        chain,
    ]
    read = names_in(*chains)
    read |= {name for name in (*shown, *trace.states, *gradients, *kept) if name}
    constants = tuple(name for name in outside if name in read)
    fetch = [f"v{j} = v[i + {WIDEST * j}]" for j in range(len(trace.states))] + unpack(constants)
    update = [f"v[i + {WIDEST * j}] = {name}" for j, name in enumerate(trace.states)]
    held = [f"{name} = kept[at + {PIECE * j}]" for j, name in enumerate(kept)]
    sources = {
        "load(p)": [f"return {', '.join(f'p[{i}]' for i in range(len(constants)))}{',' if len(constants) == 1 else ''}"]
        if constants
        else ["return ZERO"],
        "step(x, v, i, c)": [*fetch, *lines(chains[0]), *update, f"return {trace.h}, {trace.s}, {trace.threshold or 'ZERO'}"],
        "keep(x, v, i, kept, at, c)": [
            *fetch,
            *lines(chains[1]),
            *update,
            *(f"kept[at + {PIECE * j}] = {name}" for j, name in enumerate(kept)),
        ],
        "again(x, kept, at, c)": [*held, *unpack(constants), *lines(again), f"return {', '.join(values) or 'ZERO'}"],
        f"slopes({', '.join(['x', *kept, *values, 'c'])})": [
            *unpack(constants),
            *lines(slopes),
            f"return {', '.join(heights) or 'ZERO'}",
        ],
        "back(x, gs, g, i, kept, at, shares, c)": [
            *([f"{', '.join(values)} = again(x, kept, at, c)"] if values else []),
            *held,
            *(f"gv{j} = g[i + {WIDEST * j}]" for j in range(len(trace.states))),
            *unpack(constants),
            *([f"{', '.join(heights)} = slopes({', '.join(['x', *kept, *values, 'c'])})"] if heights else []),
            *lines(linear),
            *(f"g[i + {WIDEST * j}] = {name or 'ZERO'}" for j, name in enumerate(trace.grad_states)),
            *(f"shares[i + {WIDEST * j}] += {name}" for j, name in enumerate(trace.grad_parameters) if name),
            f"return {trace.grad_x or 'ZERO'}",
        ],
    }
    text = "\n\n".join("\n    ".join([f"def {head}:", *body]) for head, body in sources.items())
    functions = compiled_text(text)
    return Kernel(
        step=functions.step,
        keep=functions.keep,
        back=functions.back,
        load=functions.load,
        constants=constants,
        states=len(trace.states),
        kept=len(kept),
        learned=len(trace.parameters),
        moving=trace.threshold is not None,
    )


def lines(operations: Iterable[Operation]) -> list[str]:
    """Write operations down, one a line."""
    return [f"{operation.name} = {RULES[operation.kind].format(*operation.arguments)}" for operation in operations]


def unpack(constants: tuple[str, ...]) -> list[str]:
    """Write down how the constants are read."""
    return [f"{', '.join(constants)}{',' if len(constants) == 1 else ''} = c"] if constants else []


@cache
def compiled_text(text: str) -> ModuleType:
    """Compile the text, and return it as a module.

    Its name is made of the text's hash. numba's cache on disk knows a function in a loop's closure by its module and name, so
    it finds the loop of an equal text that another process has compiled.
    """
    name = f"snnx_kernel_{sha256(text.encode()).hexdigest()}"
    module = ModuleType(name, "The functions of one kernel.")
    vars(module).update(math=math, choose=choose, vector_exp=vector_exp, vector_tanh=vector_tanh, ONE=ONE, ZERO=ZERO)
    exec(compile(text, f"<{name}>", "exec"), vars(module))
    sys.modules[name] = module
    for function in (module.load, module.step, module.keep, module.again, module.back):
        register_jitable(function)
    fused(module.slopes)
    return module
