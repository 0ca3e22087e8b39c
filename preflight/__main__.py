"""`python -m preflight` is the command line."""

from __future__ import annotations

import sys

from preflight.cli import main

if __name__ == "__main__":
    sys.exit(main())
