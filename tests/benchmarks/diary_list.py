"""Time until a diary of 200 photos is shown: `python -m tests.benchmarks.diary_list`, with Chromium.

Stores the diary as the first version of the page did, so that any version of the page can be measured: `LESION_SITE=ADDRESS`
measures one that is served already. Prints a table: milliseconds from opening the view until its images in the window are
decoded, the median of several visits, at first (when thumbnails are missing) and then.
"""

import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser

from tests.benchmarks.page_load import PHONE, served
from tests.support.browser import launched
from tests.support.site.diary import fill_version_1

PHOTOS, SIDE, VISITS = 200, 2048, 5
OPEN = """async ([path, selector, count]) => {
    const started = performance.now();
    const link = document.createElement("a");
    link.href = path;
    document.body.append(link);
    link.click();
    link.remove();
    for (;;) {
        const images = [...document.querySelectorAll(selector)];
        if (images.length === count) {
            const near = images.filter((image) => image.getBoundingClientRect().top < innerHeight);
            await Promise.all(near.map((image) => image.decode()));
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            return performance.now() - started;
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}"""
"""Opens a view by its link; returns milliseconds until so many images exist, and those in the window are decoded."""
IDS = """() => new Promise((resolve) => {
    indexedDB.open("diary").onsuccess = ({ target: { result } }) => {
        result.transaction("spots").objectStore("spots").getAllKeys().onsuccess = (event) => {
            result.close();
            resolve(event.target.result);
        };
    };
})"""


@contextmanager
def site() -> Iterator[str]:
    """Yield the address of the site that is measured."""
    if "LESION_SITE" in os.environ:
        yield os.environ["LESION_SITE"].rstrip("/")
    else:
        with served() as address:
            yield address


def measure(browser: Browser, address: str, spots: int) -> tuple[float, list[float], float, list[float]]:
    """Return milliseconds of the list and of one spot's timeline, each of the first visit and of later ones."""
    context = browser.new_context(viewport=PHONE, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(600_000)
    page.goto(address)
    page.wait_for_function("performance.getEntriesByName('usable').length")
    fill_version_1(page, spots=spots, photos=PHOTOS, side=SIDE)
    spot = page.evaluate(IDS)[0]
    times: list[list[float]] = []
    for path, selector, count in (("/diary", ".spot img", spots), (f"/diary#{spot}", ".timeline img", PHOTOS // spots)):
        times.append([])
        for _ in range(VISITS + 1):
            page.goto(f"{address}/about")
            page.wait_for_function("performance.getEntriesByName('usable').length")
            times[-1].append(page.evaluate(OPEN, [path, selector, count]))
            # Until the thumbnails are made, if the page makes some.
            page.wait_for_timeout(1000 if len(times[-1]) > 1 else 20_000)
    context.close()
    (first_list, *lists), (first_timeline, *timelines) = times
    return first_list, lists, first_timeline, timelines


def main() -> None:
    """Measure and print."""
    print(f"| {PHOTOS} photos of {SIDE} pixels | first, ms | then, ms |\n|---|---|---|")
    with site() as address, launched(headed_build=True) as browser:
        for spots in (1, PHOTOS):
            first_list, lists, first_timeline, timelines = measure(browser, address, spots)
            print(f"| list of {spots} spot(s) | {first_list:.0f} | {statistics.median(lists):.0f} |")
            print(
                f"| timeline of {PHOTOS // spots} photo(s) | {first_timeline:.0f} | {statistics.median(timelines):.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
