"""`python -m hanse_core`: the `hanse` command, for callers that know their Python but not their PATH."""

import sys

from hanse_core.command import main

if __name__ == "__main__":
    sys.exit(main())
