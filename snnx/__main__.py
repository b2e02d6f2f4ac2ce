"""`python -m snnx`: the same as the command `snnx`."""

import sys

from snnx.command.main import main

if __name__ == "__main__":
    sys.exit(main())
