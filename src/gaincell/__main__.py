"""Runs the command line as ``python -m gaincell``."""

import sys

from gaincell.cli import main

if __name__ == "__main__":
    sys.exit(main())
