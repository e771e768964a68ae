"""Classify a folder or a table of images, or one image, on all cores, and write one row for each.

    lesion batch photos/ -o results.csv
    lesion batch table.csv -o results.parquet --views 8

An interrupted run is resumed by the same command. Columns: docs/batch.md.
"""

import argparse

from lesion.batch import arguments, cli


def options() -> argparse.ArgumentParser:
    """Return the parser of `lesion batch`."""
    return arguments.options()


def main(args: argparse.Namespace) -> int:
    """Run `lesion batch`; see `lesion.batch.cli.execute`."""
    return cli.execute(args)
