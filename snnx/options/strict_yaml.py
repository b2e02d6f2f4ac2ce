"""Reads YAML as Hydra does, without Hydra: `5e-4` is a number, and a duplicate key is an error."""

import re
from collections.abc import Hashable

import yaml


class Loader(yaml.CSafeLoader):
    """A YAML loader that reads `5e-4` as a number and rejects duplicate keys.

    PyYAML follows YAML 1.1, where `5e-4` is a string and the last of several equal keys is taken without a warning.

    Raises:
        yaml.constructor.ConstructorError: a key occurs twice, or is `<<`; merges of merges can make billions of a few lines.

    Example:
        >>> yaml.load("{lr: 5e-4, on: 1.5}", Loader)
        {'lr': 0.0005, True: 1.5}
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        seen = set()
        for key in (key for key in keys if isinstance(key, Hashable)):  # PyYAML itself rejects the others
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} occurs twice", node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)$"), list("-+0123456789.")
)


def load(text: str) -> object:
    """Parse a YAML file.

    Raises:
        yaml.YAMLError: it is not valid YAML.

    Example:
        >>> load("lr: 5e-4")
        {'lr': 0.0005}
        >>> load("lr: !!int ''")
        Traceback (most recent call last):
        yaml.error.YAMLError: a value does not fit its tag (IndexError: string index out of range)
    """
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError:
        raise
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except Exception as error:  # PyYAML raises almost any error for a value that does not fit its tag
        raise yaml.YAMLError(f"a value does not fit its tag ({type(error).__name__}: {error})") from None
