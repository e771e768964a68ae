"""`python -m export COMMAND`: see `export.console`."""

import sys

from export.console import main

if __name__ == "__main__":
    sys.exit(main())
