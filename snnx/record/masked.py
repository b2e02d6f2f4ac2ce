"""Hides the values of secret environment variables in a text, such as the message of an error."""

import os
import re
from collections.abc import Iterator

SECRET = re.compile(r"(?:(?:^|_|API)KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?(?:_?\d+)?$", re.IGNORECASE)
"""The names of environment variables whose values are secret. `KEY` is a word of its own, since many words end in it.

Example:
    >>> [bool(SECRET.search(name)) for name in ("WANDB_API_KEY", "HF_TOKEN_2", "TOKENIZERS_PARALLELISM", "MONKEY")]
    [True, True, False, False]
    >>> [bool(SECRET.search(name)) for name in ("PGPASSWORD", "GITHUBTOKEN", "APIKEY", "keys")]
    [True, True, True, True]
"""
SHORTEST = 8
"""Values with fewer characters are ignored, because they may occur in a text by chance."""


def secrets() -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each environment variable whose name says that its value is secret."""
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST:
            yield name, value


def masked(text: str) -> str:
    """Return the text with each such value replaced by the name of its variable.

    A value is also found if its spaces and line breaks have become single spaces, as in messages of one line.

    Example:
        >>> os.environ["A_TOKEN"] = "5e17b0a1"
        >>> masked("tau must be a number; got 5e17b0a1")
        'tau must be a number; got <the value of A_TOKEN>'
        >>> del os.environ["A_TOKEN"]
    """
    hidden = [(form, name) for name, value in secrets() for form in (value, " ".join(value.split())) if len(form) >= SHORTEST]
    for form, name in sorted(hidden, key=lambda pair: len(pair[0]), reverse=True):  # a secret may be the beginning of another
        text = text.replace(form, f"<the value of {name}>")
    return text
