"""Run `python -m lesion.batch`."""

import sys

from lesion.batch.cli import main

if __name__ == "__main__":
    sys.exit(main())
