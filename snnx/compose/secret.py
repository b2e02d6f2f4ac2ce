"""Keeps secrets out of configurations, because these are written to files, logged and shown."""

from collections.abc import Iterable

from snnx.record.identity import leaves
from snnx.record.job import Job
from snnx.record.masked import secrets


def reject_secrets(job: Job) -> None:
    """Reject a job that contains the value of an environment variable whose name says that it is secret, see `masked`.

    Raises:
        ValueError: the configuration, an override or the command line contains such a value; the message does not repeat it.
    """
    reject_secrets_in(
        [*leaves(job.config), *(("an override", text) for text in job.overrides), ("the command line", job.command)]
    )


def reject_secrets_in(places: Iterable[tuple[str, object]]) -> None:
    """Reject texts that contain the value of such a variable.

    Args:
        places: pairs of a name for the error message, and a text that will be written to a file.

    Raises:
        ValueError: one of the texts contains a secret.
    """
    texts = list(places)
    for name, value in secrets():
        for key, text in texts:
            if value in str(text):
                raise ValueError(
                    f"{key} must not contain a secret, because it is written to files; got the value of the environment "
                    f"variable {name}: leave it in the environment, where W&B and other tools read it"
                )
