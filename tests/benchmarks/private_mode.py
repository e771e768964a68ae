"""Private mode compared with the service: `python -m tests.benchmarks.private_mode DATA`, with Chromium.

DATA contains `originals/` and `clinical/`. Classifies every image by the page on this device and by `infra.dev.serve`, with
the number of views that the page uses. Writes docs/benchmarks/private-mode.md: differences of decision, image type, refusal
and prediction set, and the limit that a probability is next to.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
from lesion.inference.model import Model
from lesion.settings import Settings

from tests.benchmarks.page_load import served
from tests.benchmarks.reports.private_mode import FOLDERS, Row, text
from tests.support.browser import launched
from tests.support.paths import REPOSITORY
from tests.support.site.private_mode import difference, here, there

REPORT = REPOSITORY / "docs" / "benchmarks" / "private-mode.md"


def images(data: Path, every: int) -> list[tuple[str, Path]]:
    """Return the set and the path of each image, or of every n-th one of a set."""
    return [(name, path) for name, folder in FOLDERS.items() for path in sorted((data / folder).glob("*.jpg"))[::every]]


def compare(chosen: Sequence[tuple[str, Path]], views: int | None) -> tuple[list[Row], int]:
    """Return both answers about each image, and the number of views.

    Args:
        chosen: set and path of each image.
        views: 1 or 8; None for the number that the page uses.
    """
    card = Model(Settings.model).card
    rows: list[Row] = []
    with served() as address, launched() as browser:
        views = views or int(httpx2.get(f"{address}/api/config").json()["default_views"])
        page = browser.new_page()
        page.goto(address)
        started = time.monotonic()
        for name, path in chosen:
            data = path.read_bytes()
            ours, theirs = here(page, data, views), there(address, data, views)
            rows.append(Row(name, path.stem, ours, theirs, difference(ours, theirs, card, views)))
            print(
                f"\r{len(rows)} of {len(chosen)}, {(time.monotonic() - started) / len(rows):.2f} s each", end="", flush=True
            )
    return rows, views


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print and write the report."""
    parser = argparse.ArgumentParser(description="Compare private mode with the service.")
    parser.add_argument("data", type=Path, help="folder with originals/ and clinical/")
    parser.add_argument("--every", type=int, default=1, help="only every n-th image of a set")
    parser.add_argument("--views", type=int, choices=(1, 8), help="default: the number that the page uses")
    parser.add_argument("--out", type=Path, default=REPORT, help="report")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    rows, views = compare(images(options.data, options.every), options.views)
    report = text(rows, Model(Settings.model).card.version, views, options.every, time.monotonic() - started)
    print(f"\n{report}")
    options.out.write_text(report)


if __name__ == "__main__":
    main()
