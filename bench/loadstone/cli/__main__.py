"""``python -m loadstone.cli``."""

import sys

from loadstone.cli import main

if not sys.flags.safe_path:
    # The working directory, which -m puts first: a file there may be called as a module is.
    del sys.path[0]
main()
