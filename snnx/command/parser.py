"""The argument parser of the commands that do not use Hydra."""

import argparse
import sys

from snnx.command.refusal import complain


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line, like all other errors of snnx, and exits with code 2.

    Example:
        >>> import contextlib, io
        >>> printed = io.StringIO()
        >>> with contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        ...     _ = Parser(prog="snnx report").parse_args(["--colour"])
        >>> printed.getvalue()
        'snnx report: unrecognized arguments: --colour; see snnx report --help\\n'

        An override, as runs take it, gets a hint if the command has an option of that name.

        >>> parser = Parser(prog="snnx report")
        >>> _ = parser.add_argument("--scale")
        >>> printed = io.StringIO()
        >>> with contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        ...     _ = parser.parse_args(["scale=small"])
        >>> printed.getvalue()
        'snnx report: unrecognized arguments: scale=small: write --scale small; see snnx report --help\\n'
    """

    def error(self, message: str) -> None:
        key, is_override, value = message.removeprefix("unrecognized arguments: ").partition("=")
        if is_override and f"--{key}" in self._option_string_actions:
            message += f": write --{key} {value}"
        complain(f"{self.prog}: {message}; see {self.prog} --help")
        sys.exit(2)
