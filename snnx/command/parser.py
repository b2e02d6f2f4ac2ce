"""The argument parser of the commands that do not use Hydra."""

import argparse
import sys


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line, like all other errors of snnx, and exits with code 2.

    Example:
        >>> import contextlib, io
        >>> printed = io.StringIO()
        >>> with contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        ...     _ = Parser(prog="snnx report").parse_args(["--colour"])
        >>> printed.getvalue()
        'snnx report: unrecognized arguments: --colour; see snnx report --help\\n'
    """

    def error(self, message: str) -> None:
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(2)
