"""Makes a code from its name."""

from snnx.conversion.code.burst import Burst
from snnx.conversion.code.code import Code, require_defaults
from snnx.conversion.code.park import Park
from snnx.conversion.code.phase import Phase
from snnx.conversion.code.rate_code import INPUTS, RateCode
from snnx.conversion.code.t2fsnn import PASSES, T2FSNN
from snnx.conversion.code.windows import Windows
from snnx.conversion.scaling import Scaling

CODES = ("rate", "phase", "burst", "t2fsnn", "park")
WITH_WINDOWS, TUNED = ("t2fsnn", "park"), ("t2fsnn",)


def code_named(
    name: str,
    *,
    scaling: Scaling,
    input: str,
    activation: str,
    timesteps: int,
    piece: int,
    channels: int,
    start: int,
    duration: int,
    tuning: int,
) -> Code:
    """Make a code.

    Raises:
        ValueError: there is no such code or input, or the code cannot be combined with a setting or with the activation, or
            a setting was changed that this code does not read.

    Example:
        >>> settings = {"scaling": Scaling(), "input": "current", "timesteps": 80, "piece": 10, "channels": 1}
        >>> code_named("park", **settings, activation="relu", start=80, duration=80, tuning=6)
        Traceback (most recent call last):
        ValueError: Conversion: activation must be kernel with code=park; got relu
    """
    for key, value, choices in (("code", name, CODES), ("input", input, INPUTS)):
        if value not in choices:
            raise ValueError(f"Conversion: {key} must be one of {', '.join(choices)}; got {value}")
    settings = {"scaling": scaling, "input": input, "piece": min(piece, timesteps), "channels": channels}
    if name not in WITH_WINDOWS:
        asked = {"start": (start, Windows.start), "duration": (duration, Windows.duration)}
        require_defaults(name, asked, f"only code={' and '.join(WITH_WINDOWS)} have windows")
    if name not in TUNED:
        require_defaults(name, {"tuning": (tuning, PASSES)}, f"only code={' and '.join(TUNED)} tunes kernels")
    timed = {**settings, "timesteps": timesteps}
    made = {
        "rate": lambda: RateCode(**settings), "phase": lambda: Phase(**settings), "burst": lambda: Burst(**settings),
        "t2fsnn": lambda: T2FSNN(**timed, windows=Windows(start, duration), tuning=tuning),
        "park": lambda: Park(**timed, windows=Windows(start, duration)),
    }[name]()  # fmt: skip
    if activation not in made.activations:
        raise ValueError(f"Conversion: activation must be {' or '.join(made.activations)} with code={name}; got {activation}")
    return made
