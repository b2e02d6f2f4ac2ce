"""Why a component could not be built, in one line."""

import traceback


def reason(error: BaseException) -> str:
    """Return the original message of an error, without Hydra's wrapping.

    For an error that is not about a value, such as a bug in a new component, file and line are added.
    """
    while type(error).__module__.startswith("hydra") and error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) or type(error).__module__.startswith(("pytorch_lightning", "lightning_fabric")):
        return text
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({last.filename}:{last.lineno})"
