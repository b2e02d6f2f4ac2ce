"""Secrets stay out of configurations, since those are written to files, logged and shown."""

import os
import re
from collections.abc import Iterable

from snnx.record.identity import leaves
from snnx.record.job import Job

SECRET = re.compile(r"(?:^|_)(?:API)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)S?$", re.IGNORECASE)
SHORTEST = 8  # a shorter value may stand anywhere by chance


def refuse_secrets(job: Job) -> None:
    """Look for the values of environment variables that are called a key, a token, a secret or a password.

    Raises:
        ValueError: the configuration, an override or the command line holds one; the message does not.

    Example:
        >>> [bool(SECRET.search(name)) for name in ("WANDB_API_KEY", "HF_TOKEN", "TOKENIZERS_PARALLELISM", "MONKEY")]
        [True, True, False, False]
    """
    refuse([*leaves(job.config), *(("an override", text) for text in job.overrides), ("the command line", job.command)])


def refuse(places: Iterable[tuple[str, object]]) -> None:
    """The same for anything that will be written: what it is called, and its text.

    Raises:
        ValueError: one of them holds a secret.
    """
    texts = list(places)
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST:
            for key, text in texts:
                if value in str(text):
                    raise ValueError(
                        f"{key} must hold no secret, since it is written to files; got the value of the environment variable "
                        f"{name}: leave it in the environment, where W&B and others look for it"
                    )
