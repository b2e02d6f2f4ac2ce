"""Turns an error of Hydra or OmegaConf into one line that says what is required, what was given, and what to do."""

import re
from collections.abc import Iterable

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from snnx.compose.meant import meant
from snnx.compose.schema import RunSchema
from snnx.compose.words import readable, takes_several
from snnx.options.chosen_options import chosen_options
from snnx.options.elsewhere import elsewhere
from snnx.options.files import files, is_group
from snnx.options.keys import keys
from snnx.options.nearest import nearest
from snnx.options.sweepfile import names

COMPLAINTS = (HydraException, OmegaConfBaseException, ValueError, FileExistsError, RecursionError)
FOR_A_GPU = ("device", "devices", "gpu", "gpus", "cuda", "accelerator", "use_gpu", "use_cuda")
"""The names of the option that chooses a GPU in other programs."""
UNREADABLE = (
    "missing EQUAL",
    "no viable alternative",
    "extraneous input",
    "mismatched input",
    "token recognition",
    "LexerNoVia",
)
"""Parts of Hydra's messages about a word that does not have the form of an override."""


def complaint(error: BaseException, words: list[str], commands: Iterable[str] = ()) -> str:
    """Describe a mistake in a command line, a recipe or a sweep file in one line.

    Args:
        error: the error that Hydra raised.
        words: the command line.
        commands: the names of snnx's commands, to suggest one if it was misspelled.
    """
    if isinstance(error.__cause__, ValueError) and str(error).startswith("Error in call to target"):
        return _flat(error.__cause__)  # an error of a launcher or a sweeper, which Hydra builds
    if isinstance(error, RecursionError):
        return (
            "a value must not be nested so deeply that Python cannot read it; look at the files of the chosen options and row"
        )
    text = _flat(error) or _flat(error.__cause__ or "")  # some errors of Hydra are empty; their cause has the text
    if "Ambiguous value for argument" in text:
        several = next((word for word in words if "," in word), "several values")
        group, _, options = several.partition("=")
        listed = f"write {group}=[{options}] for one run with all of them, or "
        advice = listed if is_group(group) and takes_several(group) else ""
        return f"a single run must have one value per key; got {several}: {advice}add -m to run each"
    if "Only one of --run, --multirun, --cfg" in text:
        return "--cfg must be used for a single run; got -m too: leave out -m and give row= and seed="
    bare = next((word for word in words if "=" not in word and not word.startswith(("-", "~"))), None)
    unreadable = any(sign in text for sign in UNREADABLE)
    if bare and unreadable:
        hint = f"write sweep={bare}" if bare in names() else f"see snnx --help{nearest(bare, commands)}"
        return f"an override must be key=value; got {bare}: {hint}"
    if "mismatched input '='" in text and (word := next((word for word in words if word.count("=") > 1), None)):
        key, _, value = word.partition("=")
        return f"a value that contains = must be quoted; got {word}: write '{key}=\"{value}\"', with both kinds of quotes"
    if unreadable:
        word = next((word for word in words if not word.startswith("-") and not readable(word)), " ".join(words))
        key, _, value = word.partition("=")
        return f"a value with such characters must be quoted; got {word}: write '{key}=\"{value}\"', with both kinds of quotes"
    if option := re.search(r"(?:Could not find|In '[^']*': Could not find|Could not load) '([\w./]+)/([^'/]*)'", text):
        group, name = option.groups()
        group = group.removeprefix("hydra/") if not is_group(group) else group
        return _choice(group, name)
    if key := re.search(r"Could not override '([^']+)'", text) or re.search(r"full_key: ([\w.]+).*not in", text):
        return _key(key.group(1), words)
    if key := re.search(r"Key '([^']*)' (?:is not in struct|not in '\w+').*?full_key: ([\w.]+)", text):
        return _file(text) + _key(key.group(2), words)
    if refused := re.search(r"^ValueError raised while resolving interpolation: (.*?)(?: full_key: ([\w.\[\]]+).*)?$", text):
        return f"{refused[2]}: {refused[1]}" if refused[2] else refused[1]
    if missing := re.search(r"(?:Interpolation key '|Error trying to access )([\w.]+).*?full_key: ([\w.]+)", text):
        source, full = missing.groups()
        group, own = source.partition(".")[0], full.partition(".")[0]
        advice = f"choose another {group} or another {own}, or set {full}"
        return f"{full} must be set if the chosen {group} has no {source}, its default; got no value: {advice}"
    cause = _flat(error.__cause__) if error.__cause__ is not None else ""
    if value := re.search(r"Value '([^']*)'.*? could not be converted to (\w+)", f"{text} {cause}"):
        full = re.search(r"full_key: ([\w.]+)", f"{text} {cause}")
        where = full.group(1) if full else "the value"
        return f"{where} must be of type {value.group(2).lower()}; got {value.group(1)}"
    if value := re.search(
        r"Error merging override ([\w.]+)=.*?Invalid value '([^']*)', expected one of \[([^\]]*)\]", f"{text} {cause}"
    ):
        return f"{value.group(1)} must be one of {value.group(3)}; got {value.group(2)}"
    if value := re.search(r"Error merging override ([\w.]+)=(\S*)", text):
        return f"{value.group(1)} must be of the type of its default; got {value.group(2)}"
    return text


def _choice(group: str, name: str) -> str:
    folder = "sweeps" if group == "sweep" else f"conf/{group}"
    known = files(group)
    if group == "row":
        return f"row must be a row of a sweep; got {name}: give sweep= too"
    hint = elsewhere(f"conf/{group}/{name}.yaml") or nearest(name, known)
    return f"{group} must be one of {', '.join(known)} (the files in {folder}/); got {name or 'nothing'}{hint}"


def _file(text: str) -> str:
    """Return the file that the mistake is in, according to Hydra's message; empty if it is on the command line."""
    found = re.search(r"In '([\w./]+)'", text)
    if not found or found.group(1) in ("config", "schema"):
        return ""
    group, _, name = found.group(1).rpartition("/")
    return f"{'sweeps' if group == 'sweep' else f'conf/{group}'}/{name}.yaml: "


def _key(full: str, words: list[str]) -> str:
    given = next((word for word in words if word.lstrip("+~").split("=")[0] == full), full)
    if full == "row":
        return _choice("row", given.partition("=")[2])
    group, _, leaf = full.rpartition(".")
    option = chosen_options(words).get(group) if is_group(group) else None
    if option is None:
        known = sorted(RunSchema.__dataclass_fields__) if not group else []
        where = "the configuration"
    else:
        known = keys(group, option)
        where = f"{group}={option}" + (f", which has {', '.join(known)}" if known else "")
    if not group and leaf.lower() in FOR_A_GPU:
        return f"{full} must be a key of {where}; got {given}: for a GPU, write trainer.accelerator=gpu"
    hint = nearest(leaf, known) or ("" if group else meant(leaf, words))
    return f"{full} must be a key of {where}; got {given}{hint}"


def _flat(error: BaseException | str) -> str:
    return " ".join(str(error).split())
