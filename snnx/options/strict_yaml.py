"""Reads YAML as Hydra does, without Hydra: `5e-4` is a number, and a duplicate key is an error."""

import re
from collections.abc import Hashable

import yaml

LARGEST = 100_000  # most values of a YAML file after aliases are replaced; nested aliases can turn a few lines into billions
DIGITS = 4000  # Python rejects longer numbers
LONGEST = 10_000_000  # most characters of all values and keys, after aliases are replaced


class Loader(yaml.CSafeLoader):
    """A YAML loader that reads `5e-4` as a number and rejects duplicate keys.

    PyYAML follows YAML 1.1, where `5e-4` is a string and the last of several equal keys is taken without a warning.

    Raises:
        yaml.constructor.ConstructorError: a key occurs twice, or is `<<`: nested merges can turn a few lines into
            billions of values.

    Example:
        >>> yaml.load("{lr: 5e-4, on: 1.5}", Loader)
        {'lr': 0.0005, True: 1.5}
    """

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if ":" in node.value or len(node.value) > DIGITS:  # both take a time that grows with the square of the length
            shown = node.value if len(node.value) < 40 else f"{node.value[:40]}..."
            raise yaml.constructor.ConstructorError(
                None, None, f"a whole number must be written with digits only, at most {DIGITS}; got {shown}", node.start_mark
            )
        return super().construct_yaml_int(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [(self.construct_object(key, deep=deep), key.start_mark) for key, _ in node.value]
        seen = set()
        for key, mark in ((key, mark) for key, mark in keys if isinstance(key, Hashable)):  # PyYAML itself rejects the others
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} occurs twice", mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)$"), list("-+0123456789.")
)


def load(text: str) -> object:
    """Parse a YAML file.

    Raises:
        yaml.YAMLError: it is not valid YAML, or is larger than `LARGEST` or `LONGEST` with every alias written out.

    Example:
        >>> load("lr: 5e-4")
        {'lr': 0.0005}
        >>> load("lr: !!int ''")
        Traceback (most recent call last):
        yaml.error.YAMLError: a value does not fit its tag (IndexError: string index out of range)
    """
    try:
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            _check_size(node)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError:
        raise
    except Exception as error:  # PyYAML raises almost any error for a value that does not fit its tag
        raise yaml.YAMLError(f"a value does not fit its tag ({type(error).__name__}: {error})") from None


def why(error: yaml.YAMLError) -> str:
    """Say in one line why a text is no YAML, with the line and column that the parser names.

    Example:
        >>> try:
        ...     load("a: 1\\na: 2")
        ... except yaml.YAMLError as error:
        ...     print(why(error))
        the key a occurs twice in line 2, column 1
    """
    return " ".join(str(error).replace('in "<unicode string>", ', "in ").split())


def _check_size(node: yaml.Node | None) -> None:
    """Reject a parsed file that is too large. A node is visited once for each alias, until the limit is reached."""
    todo = [] if node is None else [node]
    values = characters = 0
    while todo:
        one = todo.pop()
        values += 1
        if isinstance(one, yaml.MappingNode):
            todo += [value for _, value in one.value]
            characters += sum(len(key.value) for key, _ in one.value if isinstance(key, yaml.ScalarNode))
            todo += [key for key, _ in one.value if not isinstance(key, yaml.ScalarNode)]
        elif isinstance(one, yaml.SequenceNode):
            todo += one.value
        else:
            characters += len(one.value)
        if values > LARGEST or characters > LONGEST:
            what = f"{LARGEST:,} values" if values > LARGEST else f"{LONGEST:,} characters"
            raise yaml.YAMLError(f"it must have at most {what}, with every alias written out")
