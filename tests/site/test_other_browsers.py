"""A visit in Firefox and WebKit: the other tests of the page use Chromium."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.site.languages import ENGLISH, STRINGS
from tests.support.site.visit import IMAGE, STATUSES
from tests.support.webdriver.driver import Driver
from tests.support.webdriver.firefox import FIREFOX, firefox
from tests.support.webdriver.webkit import DISPLAY, DRIVER, minibrowser, webkit

pytestmark = pytest.mark.slow

BROWSERS = {"firefox": firefox, "webkit": webkit}
NEEDS = {
    "firefox": (FIREFOX,),
    "webkit": (DRIVER, DISPLAY, minibrowser() or Path("/usr/lib/webkit2gtk-4.1/MiniBrowser")),
}
COMPLAINTS = """
    window.complaints = [];
    addEventListener("error", ({ message }) => complaints.push(message));
    addEventListener("unhandledrejection", ({ reason }) => complaints.push(String(reason)));
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        complaints.push(`${violatedDirective} forbids ${blockedURI}`));
"""
IN_VIEW = """
    const { top, bottom } = document.querySelector(arguments[0]).getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
"""
MODEL_S = 240
"""Seconds for the download of the model and its first answer, on a busy machine."""


@pytest.fixture(scope="module", params=BROWSERS)
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    missing = [str(path) for path in NEEDS[request.param] if not path.exists()]
    if missing:
        sentence = f"This test needs {', '.join(missing)}. `make setup` installs it where Debian's packages are available."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with BROWSERS[request.param](tmp_path_factory.mktemp(request.param)) as driver:
        yield driver


@pytest.fixture
def visitor(driver: Driver, base_url: str) -> Iterator[Driver]:
    """Return a browser at the start of a visit; at its end, nothing was complained about, and nothing was too wide."""
    driver.open(f"{base_url}/?lang=en")
    driver.run(COMPLAINTS)
    driver.wait("return document.querySelectorAll('.sample').length === 12")
    yield driver
    assert driver.run("return window.complaints") == []
    assert driver.run("return document.documentElement.scrollWidth <= innerWidth")


def analyse(visitor: Driver, seconds: float = 30) -> None:
    """Analyse the photo that is chosen, and wait for its result."""
    visitor.click("#analyse")
    visitor.wait_shown("#answer", seconds)


def test_sample_is_analysed_and_verdict_is_in_view(visitor: Driver) -> None:
    """From a sample to its verdict, and to the evidence map."""
    visitor.click(".sample")
    analyse(visitor)
    assert STATUSES.match(visitor.text("#result-heading"))
    for part in ("#result-heading", "#score"):
        visitor.wait(IN_VIEW, part)
    assert visitor.run("return document.activeElement.id") == "result-heading"
    visitor.wait("return document.querySelector('#map').checkVisibility()")
    assert visitor.run("return document.querySelector('#evidence-under').naturalWidth") > 0


def test_language_changes_with_its_menu(visitor: Driver) -> None:
    """The page speaks another language, and keeps it for the next visit."""
    visitor.select("#language", "de")
    visitor.wait("return document.documentElement.lang === 'de'")
    assert visitor.text("#photo-heading") == STRINGS["de"]["photo.heading"]
    assert visitor.run("return localStorage.getItem('language')") == "de"
    visitor.select("#language", "en")
    visitor.wait("return document.documentElement.lang === 'en'")


def test_about_has_an_address_and_figures(visitor: Driver) -> None:
    """About opens with its figures, and the browser's "back" returns to the photo."""
    visitor.click(".sample")
    visitor.click("#about-open")
    visitor.wait_shown("#test-figures table")
    assert visitor.run("return location.pathname") == "/about"
    assert visitor.text("#about-heading") == ENGLISH["about.heading"]
    visitor.wait("return document.querySelectorAll('#test-figures canvas').length > 0")
    visitor.send("Back", {})
    visitor.wait_shown("#preview")


def test_file_is_cropped_and_kept_in_the_diary(visitor: Driver) -> None:
    """An own photo is cropped, analysed and kept; the diary is there after a reload, and is deleted."""
    visitor.click("#diary-open")
    visitor.click("#diary-switch")
    visitor.wait("return document.querySelector('#diary').innerText.includes(arguments[0])", ENGLISH["diary.empty"])
    visitor.click("#diary-close")
    visitor.choose_file("#file", IMAGE)
    visitor.wait_shown("#preview")
    visitor.click("#crop-open")
    visitor.wait_shown("#crop-work")
    visitor.click('#crop [data-move="closer"]')
    visitor.click("#crop-use")
    visitor.wait("return !document.querySelector('#crop').open")
    analyse(visitor)
    visitor.click('[data-t="keep.button"]')
    visitor.wait_shown("dialog[open]")
    visitor.click('[data-t="keep.keep"]')
    if visitor.name == "WebKit":
        # Its driver opens private windows only, in which WebKit stores no photos. The page says so.
        said = "return document.querySelector('dialog[open]').innerText.includes(arguments[0])"
        visitor.wait(said, ENGLISH["diary.unavailable"])
        visitor.click("dialog[open] header button")
        visitor.wait("return !document.querySelector('dialog[open]')")
        visitor.click("#diary-open")
    else:
        visitor.wait("return !document.querySelector('dialog[open]')")
        visitor.open(visitor.run("return location.origin"))
        visitor.run(COMPLAINTS)
        visitor.click("#diary-open")
        visitor.wait_shown(".spot img")
        visitor.wait("return document.querySelector('.spot img').naturalWidth > 0")
    visitor.run("window.confirm = () => true")
    visitor.click('[data-t="diary.delete_all"]')
    visitor.wait("return !document.querySelector('.spot')")
    if visitor.run("return localStorage.getItem('diary')") == "on":
        visitor.click("#diary-switch")
    visitor.wait("return localStorage.getItem('diary') !== 'on'")


def test_private_mode_analyses_on_the_device(visitor: Driver) -> None:
    """Private mode downloads the model and analyses a sample without the service."""
    visitor.click("#private")
    visitor.wait("return document.querySelector('#private-mode').dataset.state === 'ready'", seconds=MODEL_S)
    visitor.click(".sample")
    visitor.run("performance.clearResourceTimings()")
    analyse(visitor, MODEL_S)
    assert STATUSES.match(visitor.text("#result-heading"))
    requests = visitor.run("return performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)")
    assert not [path for path in requests if path.startswith("/api/classify")]
    visitor.click("#private")
    visitor.wait("return document.querySelector('#private-mode').dataset.state === 'off'")


def test_camera_opens_or_says_why_not(visitor: Driver) -> None:
    """Without a camera, the dialog says so, and closes."""
    visitor.click("#camera-open")
    visitor.wait_shown("#camera-problem")
    assert visitor.text("#camera-problem") in {
        ENGLISH[f"camera.{key}"] for key in ("missing", "denied", "unsupported", "in_use")
    }
    visitor.click("#camera-close")
    visitor.wait("return !document.querySelector('#camera').open")
