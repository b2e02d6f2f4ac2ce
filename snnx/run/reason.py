"""Why a component could not be built, in one line."""

import traceback


def reason(error: BaseException) -> str:
    """The message of whoever complained first, since Hydra wraps a constructor's error in its own; for what is not a complaint
    about a value, such as a mistake in a new component, also where it was raised."""
    while type(error).__module__.startswith("hydra") and error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) or type(error).__module__.startswith("pytorch_lightning"):
        return text
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({last.filename}:{last.lineno})"
