"""Time until the page is usable, and its size: `python -m tests.benchmarks.page_load`, with Chromium.

`infra.dev.serve` serves the page on this machine, and Chromium throttles the network. Each visit starts with an empty cache.
Writes docs/benchmarks/page-load.md.
"""

import gzip
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Browser, Route, ViewportSize

from tests.support.browser import launched
from tests.support.paths import REPOSITORY

VISITS = 7
PROFILES: Mapping[str, Mapping[str, float]] = {
    # Round trip in milliseconds, bytes a second.
    "4G (9 Mbit/s, 170 ms)": {"latency": 170, "downloadThroughput": 9e6 / 8, "uploadThroughput": 9e6 / 8},
    "slow 4G (1.6 Mbit/s, 150 ms)": {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8},
}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def served() -> Iterator[str]:
    """Run the service on a free port; yield its URL."""
    environment = {**os.environ, "PORT": "0", "PYTHONPATH": str(REPOSITORY / "lambda")}
    command = [sys.executable, "-m", "infra.dev.serve"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().decode().strip().rstrip("/")
        finally:
            process.terminate()


def visit(browser: Browser, address: str, profile: Mapping[str, float]) -> tuple[float, float]:
    """Return the seconds of one first visit until the first contentful paint, and until every control responds."""
    context = browser.new_context(viewport=PHONE, service_workers="block")
    page = context.new_page()
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", {"offline": False, **profile})
    page.goto(address)
    page.locator(".sample").last.wait_for()
    drawn, usable = (
        float(page.evaluate(f"performance.getEntriesByName('{name}')[0].startTime")) / 1000
        for name in ("first-contentful-paint", "usable")
    )
    context.close()
    return drawn, usable


def weights(browser: Browser, address: str) -> dict[str, int]:
    """Return the compressed bytes of each response of a first view, by path."""
    context = browser.new_context(viewport=PHONE, service_workers="block")
    page = context.new_page()
    sizes: dict[str, int] = {}

    def weigh(route: Route) -> None:
        response = route.fetch()
        sizes[route.request.url.removeprefix(address)] = len(gzip.compress(response.body(), 6))
        route.fulfill(response=response)

    page.route("**/*", weigh)
    page.goto(address)
    page.locator(".sample").last.wait_for()
    page.wait_for_load_state("networkidle")
    context.close()
    return sizes


def text(times: Mapping[str, list[tuple[float, float]]], sizes: Mapping[str, int]) -> str:
    """Return the report as Markdown."""
    lines = [
        "# Page load",
        "",
        "A first visit is usable after the times in the table: every control of the page responds.",
        "",
        f"Written by `python -m tests.benchmarks.page_load`: medians of {VISITS} first visits at 390 x 844 (slowest in",
        "brackets), with the service on the same machine and Chromium's network throttling.",
        "",
        "| network | first contentful paint | usable |",
        "|---|---|---|",
    ]
    for name, visits in times.items():
        cells = (f"{statistics.median(column):.2f} s ({max(column):.2f})" for column in zip(*visits, strict=True))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    totals = dict.fromkeys(
        ("document, styles, scripts, translations", "responses of the API", "thumbnails of the samples"), 0
    )
    own, responses, thumbnails = totals
    for path, size in sizes.items():
        totals[thumbnails if path.startswith("/samples/") else responses if path.startswith("/api/") else own] += size
    lines += ["", "Downloads of a first view, compressed with gzip:", "", "| | kB |", "|---|---|"]
    lines += [f"| {name} | {size / 1000:.1f} |" for name, size in totals.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write the report."""
    with served() as address, launched(headed_build=True) as browser:
        times = {name: [visit(browser, address, profile) for _ in range(VISITS)] for name, profile in PROFILES.items()}
        report = text(times, weights(browser, address))
    print(report)
    (REPOSITORY / "docs" / "benchmarks" / "page-load.md").write_text(report)


if __name__ == "__main__":
    main()
