"""How soon the page can be used, and what it weighs: `python -m tests.benchmarks.page`, with Chromium. Writes docs/page.md.

The page is served by `infra.dev.serve` on this machine, through Chromium's own throttle. Each visit is a first one.
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
TELEPHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def served() -> Iterator[str]:
    """The address of a service of our own."""
    environment = {**os.environ, "PORT": "0"}
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
    """Seconds of one first visit until something is drawn, and until every control answers."""
    context = browser.new_context(viewport=TELEPHONE, service_workers="block")
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
    """Compressed bytes of all that a first view fetches, by path."""
    context = browser.new_context(viewport=TELEPHONE, service_workers="block")
    page = context.new_page()
    found: dict[str, int] = {}

    def weigh(route: Route) -> None:
        response = route.fetch()
        found[route.request.url.removeprefix(address)] = len(gzip.compress(response.body(), 6))
        route.fulfill(response=response)

    page.route("**/*", weigh)
    page.goto(address)
    page.locator(".sample").last.wait_for()
    page.wait_for_load_state("networkidle")
    context.close()
    return found


def text(times: Mapping[str, list[tuple[float, float]]], found: Mapping[str, int]) -> str:
    """docs/page.md."""
    lines = [
        "# The page, measured",
        "",
        f"Written by `python -m tests.benchmarks.page`: medians of {VISITS} first visits at 390 x 844, in brackets the slowest,",
        "with Chromium's throttle before a service on the same machine. Usable is when every control of the page answers.",
        "",
        "| network | something is drawn | usable |",
        "|---|---|---|",
    ]
    for name, visits in times.items():
        cells = (f"{statistics.median(column):.2f} s ({max(column):.2f})" for column in zip(*visits, strict=True))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    sizes = dict.fromkeys(("document, style, scripts, words", "answers of the API", "thumbnails of the samples"), 0)
    own, answers, thumbnails = sizes
    for path, size in found.items():
        sizes[thumbnails if path.startswith("/samples/") else answers if path.startswith("/api/") else own] += size
    lines += ["", "What a first view fetches, compressed with gzip:", "", "| | kB |", "|---|---|"]
    lines += [f"| {name} | {size / 1000:.1f} |" for name, size in sizes.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, write docs/page.md."""
    with served() as address, launched() as browser:
        times = {name: [visit(browser, address, profile) for _ in range(VISITS)] for name, profile in PROFILES.items()}
        report = text(times, weights(browser, address))
    print(report)
    (REPOSITORY / "docs" / "page.md").write_text(report)


if __name__ == "__main__":
    main()
