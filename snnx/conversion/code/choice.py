"""The codes by name."""

from functools import partial

from snnx.conversion.code.burst import Burst
from snnx.conversion.code.code import Code
from snnx.conversion.code.park import Park
from snnx.conversion.code.phase import Phase
from snnx.conversion.code.rate import INPUTS, Rate
from snnx.conversion.code.t2fsnn import T2FSNN
from snnx.conversion.code.windows import Windows
from snnx.conversion.scaling import Scaling

CODES = ("rate", "phase", "burst", "t2fsnn", "park")


def code_named(
    name: str,
    *,
    scaling: Scaling,
    input: str,
    activation: str,
    timesteps: int,
    piece: int,
    channels: int,
    windows: Windows,
    tuning: int,
) -> Code:
    """Make a code.

    Raises:
        ValueError: there is no such code or input, or the code cannot be combined with a setting or with the activation.

    Example:
        >>> settings = {"scaling": Scaling(), "input": "current", "timesteps": 80, "piece": 10, "channels": 1}
        >>> code_named("park", **settings, activation="relu", windows=Windows(), tuning=0)
        Traceback (most recent call last):
        ValueError: Conversion: activation must be kernel with code=park; got relu
    """
    for key, value, choices in (("code", name, CODES), ("input", input, INPUTS)):
        if value not in choices:
            raise ValueError(f"Conversion: {key} must be one of {', '.join(choices)}; got {value}")
    settings = {"scaling": scaling, "input": input, "piece": min(piece, timesteps), "channels": channels}
    timed = {**settings, "windows": windows, "timesteps": timesteps}
    made = {
        "rate": partial(Rate, **settings), "phase": partial(Phase, **settings), "burst": partial(Burst, **settings),
        "t2fsnn": partial(T2FSNN, **timed, tuning=tuning), "park": partial(Park, **timed),
    }[name]()  # fmt: skip
    if activation not in made.activations:
        raise ValueError(f"Conversion: activation must be {' or '.join(made.activations)} with code={name}; got {activation}")
    return made
