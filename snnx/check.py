"""Checks a run before it costs anything: every key has a reader, and every stage can be built."""

from snnx.bind import bind
from snnx.job import Job


def check(job: Job) -> None:
    """Bind every component to its constructor and build the data module and the network, without data and without memory.

    Raises:
        ValueError: one line that says what must hold, what was given, and in which run.
    """
    try:
        bind(job.config)
        import torch  # after the names are known to be right: torch and Lightning take seconds to import

        from snnx.metric.recorder import Recorder
        from snnx.run import build_data, build_method

        with torch.device("meta"):  # shapes only: nothing is allocated, whatever the size of the network
            method = build_method(job.config, build_data(job.config))
        Recorder(method.backbone, list(method.metrics.values()), method.watch)
    except Exception as error:
        raise ValueError(f"{_reason(error)} [{job.title}]" if job.row != "default" else _reason(error)) from error


def _reason(error: BaseException) -> str:
    """The message of whoever complained first: Hydra wraps a constructor's error in its own."""
    while type(error).__module__.startswith("hydra") and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
