"""Rewrites the words of a command line in the order and form that Hydra needs."""

import re
from collections.abc import Sequence
from itertools import pairwise

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from snnx.compose.meant import meant
from snnx.compose.schema import Budget, RunSchema
from snnx.options.files import files, is_group
from snnx.options.nearest import nearest

PLAIN = re.compile(r"([+~]{0,2}[\w./@:-]+)=(.*)", re.DOTALL)
WITH_VALUE = {"-c", "--cfg", "-p", "--package", "-cd", "--config-dir"}
"""Options of Hydra whose value is the next word."""
OURS = {"-r": "--resolve"}
"""Hydra's `-r` is `--run`, which is the default; with `--cfg`, people mean `--resolve`."""
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.job.chdir", "hydra.output_subdir")
FIXED = {
    "sweep": "sweep files set it",
    "search": "a search sets it: hydra/sweeper=snnx_tune or snnx_optuna",
    "tuned": "a search sets it: hydra/sweeper=snnx_tune",
}
"""Keys that only snnx sets, and where they come from."""


def completed(words: Sequence[str]) -> list[str]:
    """Return the words in the order and form that Hydra needs.

    Options such as `-m` may stand anywhere. A value with characters that Hydra's grammar does not know is quoted, and a group
    is switched off by `GROUP=null`.

    Raises:
        ValueError: a word is a mistake that only its author can correct; the message says what to write.

    Example:
        >>> completed(["scale=smoke", "-m", "seed=0,1"])
        ['-m', 'scale=smoke', 'seed=0,1']
        >>> completed(["dataset.root=~/data", "init=null"])
        ["dataset.root='~/data'", '~init']
    """
    options, overrides = _apart(words)
    _require_no_space_after_comma(overrides)
    _require_own_folders(overrides)
    if "-sc" in options or "--shell-completion" in options:  # the words are those that the shell completes
        return list(words)
    return [*options, *(override_word(word) for word in overrides)]


def override_word(word: str) -> str:
    """Return one override as Hydra reads it, with its value quoted if necessary.

    Example:
        >>> override_word("dataset.root=/data (copy)"), override_word("neuron.tau=3"), override_word("metric=null")
        ("dataset.root='/data (copy)'", 'neuron.tau=3', 'metric=[]')
    """
    require_known(word)
    found = PLAIN.fullmatch(word)
    if not found:
        return word
    key, value = found.groups()
    if value == "null" and is_group(key):
        return f"{key}=[]" if takes_several(key) else f"~{key}"
    if readable(word):
        return word
    if set(value) & set(",=\n"):  # such a value may be meant as several values, or as two overrides
        return word
    escaped = value.replace("\\", "\\\\").replace("'", r"\'")
    return f"{key}='{escaped}'"


def require_known(word: str) -> None:
    """Reject a word such as `+timestep=8`, which adds a key that nothing reads.

    With `+`, Hydra adds any key to a configuration. Keys inside of components are checked by `check_signatures`, like all
    others.

    Raises:
        ValueError: there is no such key.
    """
    added = re.match(r"\++([\w.]+)=", word)
    if not added:
        return
    key = added[1]
    first, _, rest = key.partition(".")
    known = sorted(RunSchema.__dataclass_fields__)
    if first in FIXED and rest:
        raise ValueError(f"{key} must not be set on the command line, because {FIXED[first]}; got {word}")
    if first == "budget" and rest and rest not in (factors := sorted(Budget.__dataclass_fields__)):
        raise ValueError(f"{key} must be a key of budget, which has {', '.join(factors)}; got {word}{nearest(rest, factors)}")
    if first not in known and first != "hydra" and not is_group(first):
        hint = nearest(first, known) or meant(first, [])
        raise ValueError(f"{key} must be a key of the configuration, also after +; got {word}{hint}")


def takes_several(group: str) -> bool:
    """Whether a group can have several options at once, such as `metric`; then each option is an entry of its own.

    Example:
        >>> takes_several("metric"), takes_several("attention"), takes_several("init"), takes_several("recipe")
        (True, True, False, False)
    """
    texts = [path.read_text(encoding="utf-8") for path in files(group).values()]
    return group in RunSchema.__dataclass_fields__ and not any(re.search("^_target_:", text, re.MULTILINE) for text in texts)


def readable(word: str) -> bool:
    """Whether a word is an override by Hydra's grammar."""
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def _apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate Hydra's options, with their values, from the overrides."""
    options: list[str] = []
    overrides: list[str] = []
    for word in words:
        belongs = bool(options) and options[-1] in WITH_VALUE
        (options if word.startswith("-") or belongs else overrides).append(OURS.get(word, word))
    return options, overrides


def _require_no_space_after_comma(overrides: Sequence[str]) -> None:
    for word, following in pairwise([*overrides, ""]):
        if word.endswith(",") and "=" in word:
            if not following or "=" in following or following.startswith("-"):
                raise ValueError(
                    f"values must be separated by commas, and none follows the last value; got {word}: remove the comma"
                )
            raise ValueError(
                f"values must be separated by commas without spaces; got {word} {following}: write {word}{following}"
            )


def _require_own_folders(overrides: Sequence[str]) -> None:
    for word in overrides:
        key = word.lstrip("+~").partition("=")[0]
        if key in FOLDERS:
            raise ValueError(
                f"{key} must not be set, because results are written to outputs/ in the current folder; got {word}: go to the "
                "folder in which they should be, or make outputs a link to another one"
            )
