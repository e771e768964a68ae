"""Without a network: the page opens after one visit, private mode classifies, and nothing is kept that should not be."""

import json
import re
import shutil
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from lesion.settings import Settings
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from infra.packaging import bundle
from infra.packaging.headers import SECURITY_HEADERS
from tests.support.browser import wait_until
from tests.support.paths import SAMPLES
from tests.support.site.languages import LANGUAGES
from tests.support.site.views import RULES
from tests.support.site.visit import STATUSES, set_views

IMAGE = SAMPLES / "ISIC_0000026.jpg"
INSTALLED = """async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    if (!registration || registration.waiting || registration.installing) return false;
    return registration.active?.state === "activated" && navigator.serviceWorker.controller !== null;
}"""
KEPT = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
    }
    return found.sort();
}"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody who has never been here."""
    context = browser.new_context(reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, base_url: str) -> Page:
    page = context.new_page()
    page.goto(base_url)
    wait_until(page, INSTALLED)
    return page


def switch_on(page: Page) -> None:
    page.get_by_role("switch", name="Private mode").check()
    expect(page.locator("#private-state")).to_contain_text("The model is on this device", timeout=120_000)


def predict(page: Page) -> None:
    page.set_input_files("#file", IMAGE)
    expect(page.get_by_role("img", name=IMAGE.name)).to_be_visible()
    page.locator("#analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES, timeout=120_000)


def shown_samples(page: Page) -> int:
    """Return how many thumbnails of samples are displayed."""
    expect(page.locator(".sample")).to_have_count(12)
    images = "[...document.querySelectorAll('.sample img')].map((image) => image.decode().then(() => 1, () => 0))"
    return sum(page.evaluate(f"Promise.all({images})"))


def test_samples_come_from_cache(page: Page, context: BrowserContext) -> None:
    """Without a network, the samples are shown, and one that was opened before can be opened again."""
    for number in (3, 5):
        page.get_by_role("button", name=f"Sample {number}", exact=True).click()
        expect(page.locator("#preview")).to_have_attribute("alt", f"Sample {number}")
        expect(page.locator("#preview")).not_to_have_js_property("naturalWidth", 0)
    context.set_offline(True)
    page.reload()
    assert shown_samples(page) == 12
    expect(page.locator("#samples-problem")).to_be_hidden()
    page.get_by_role("button", name="Sample 3", exact=True).click()
    expect(page.get_by_role("img", name="Sample 3")).to_be_visible()
    expect(page.locator("#preview")).not_to_have_js_property("naturalWidth", 0)


@pytest.mark.slow
def test_page_opens_offline_in_every_language(page: Page, context: BrowserContext) -> None:
    """The page opens offline in every language."""
    context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Skin-lesion classifier")
    assert shown_samples(page) == 12
    # What is loaded when it is first asked for is there, too.
    page.set_input_files("#file", [IMAGE, IMAGE])
    expect(page.locator("#queue-rows tr")).to_have_count(2)
    page.get_by_role("button", name="Crop and enlarge").click()
    expect(page.locator("#crop-work")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove all").click()
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("dialog", name="Take a photo")).to_be_visible()
    page.keyboard.press("Escape")
    for code in LANGUAGES[1:]:
        page.locator("#language").select_option(code)
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("#analyse")).not_to_have_text("Analyse")


@pytest.mark.slow
def test_private_mode_works_offline_in_later_visit(page: Page, context: BrowserContext) -> None:
    """In a later visit, private mode works offline."""
    size = page.locator("#private-state")
    expect(size).to_contain_text(re.compile(r"To download: \d+\.\d MB\."))
    switch_on(page)
    page.close()
    context.set_offline(True)
    later = context.new_page()
    later.goto(page.url)
    expect(later.get_by_role("switch", name="Private mode")).to_be_checked()
    predict(later)
    expect(later.locator("#details")).to_contain_text("nothing; analysed on this device")
    expect(later.locator("#advice")).not_to_be_empty()
    # So are the samples, which nobody opened before.
    later.get_by_role("button", name="Sample 7", exact=True).click()
    later.get_by_role("button", name="Analyse all").click()
    expect(later.locator("#queue-progress")).to_have_text("2 of 2 analysed", timeout=120_000)


def test_private_mode_sends_no_request_and_keeps_csp(page: Page, context: BrowserContext) -> None:
    """Once the model is loaded, no request is sent and the CSP is kept."""
    # Workers have rules of their own, of which only the console tells.
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    page.evaluate(RULES)
    switch_on(page)
    # The first photo loads the module that measures it.
    predict(page)
    page.get_by_role("button", name="Remove").click()
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith("blob:"):
            asked.append(f"{request.method} {request.url}")

    context.on("request", note)
    predict(page)
    set_views(page, 1)
    page.locator("#analyse").click()
    expect(page.locator("#details")).to_contain_text("one", timeout=120_000)
    assert asked == []
    assert page.evaluate("broken") == []
    assert complaints == []


@pytest.mark.slow
def test_browser_stores_nothing_about_person(page: Page, base_url: str) -> None:
    """The browser stores nothing about the person."""
    predict(page)
    switch_on(page)
    predict(page)
    kept = page.evaluate(KEPT)
    site = bundle.BUILT
    assert {"/index.html", "/strings/fr.json", "/private/parts.json", "/js/private/inference-worker.js"} <= set(kept)
    assert [path for path in kept if not (site / path.lstrip("/")).is_file()] == []
    assert [path for path in kept if path.startswith("/api")] == []
    assert page.evaluate("Object.keys(localStorage)") == ["private"]


@pytest.mark.slow
def test_private_mode_downloads_nothing_before_use(context: BrowserContext, base_url: str) -> None:
    """Nothing of private mode is downloaded before it is switched on."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url.removeprefix(base_url)))
    page = context.new_page()
    page.goto(base_url)
    wait_until(page, INSTALLED)
    predict(page)
    assert {path for path in asked if path.startswith("/private/")} == {"/private/parts.json"}


@pytest.mark.slow
def test_switching_off_deletes_downloads(page: Page) -> None:
    """Switching private mode off deletes its downloads."""
    switch_on(page)
    assert [path for path in page.evaluate(KEPT) if path.endswith(".onnx.gz")]
    page.get_by_role("switch", name="Private mode").uncheck()
    expect(page.locator("#live")).to_have_text("Private mode is off. Photos are sent to the service.")
    assert [path for path in page.evaluate(KEPT) if path.startswith("/private/")] == ["/private/parts.json"]
    with page.expect_request("**/api/classify**"):
        predict(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_role("switch", name="Private mode")).not_to_be_checked()


@pytest.mark.slow
def test_private_mode_classifies_sample(page: Page, context: BrowserContext) -> None:
    """A sample is classified on this device too."""
    switch_on(page)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Sample 2", exact=True).click()
    page.locator("#analyse").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES, timeout=120_000)
    expect(page.locator("#actual")).to_contain_text("Actual diagnosis")
    expect(page.locator("#details")).to_contain_text("nothing; analysed on this device")
    assert not [url for url in asked if "/api/" in url]


@pytest.fixture
def published(base_url: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a site without a service, which can change while somebody has it open."""
    # `base_url` has put it together.
    folder = Path(shutil.copytree(bundle.BUILT, tmp_path / "site"))

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def end_headers(self) -> None:
            for name, value in {**SECURITY_HEADERS, "Cache-Control": bundle.CACHE_CONTROL}.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, format: str, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # A page and its service worker ask for a hundred files at once. Of more than five that wait, which is the default,
        # a busy machine turns some away, and the browser tries those again after seconds.
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", folder
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_failed_download_sends_no_photo(context: BrowserContext, published: tuple[str, Path]) -> None:
    """A download that fails does not cause a photo to be sent."""
    url, folder = published
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    (model,) = (folder / "private").glob("*.onnx.gz")
    away = model.rename(folder.parent / model.name)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("switch", name="Private mode").check()
    expect(page.locator("#private-state")).to_contain_text("No photo is sent while private mode is on.")
    page.set_input_files("#file", IMAGE)
    page.locator("#analyse").click()
    expect(page.locator("#advice")).to_contain_text("The model could not be loaded onto this device.")
    assert not [url for url in asked if "/api/classify" in url]
    away.rename(model)
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#result-heading")).to_have_text(STATUSES, timeout=120_000)


@pytest.mark.slow
def test_new_version_replaces_page_and_model(
    context: BrowserContext,
    published: tuple[str, Path],
    stand_in_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new version replaces the old one and its model."""
    url, folder = published
    page = context.new_page()
    page.goto(url)
    wait_until(page, INSTALLED)
    switch_on(page)
    models = [path for path in page.evaluate(KEPT) if path.endswith(".onnx.gz")]

    new = Path(shutil.copytree(bundle.SITE, tmp_path / "new"))
    strings = json.loads((new / "strings" / "en.json").read_text())
    (new / "strings" / "en.json").write_text(json.dumps({**strings, "lede": "A new sentence."}))
    monkeypatch.setattr(bundle, "SITE", new)
    bundle.assemble(stand_in_file, folder)

    page.reload()
    # At once, although the old one is kept.
    expect(page.locator(".lede")).to_have_text("A new sentence.")
    expect(page.locator("#private-state")).to_contain_text("The model is on this device", timeout=120_000)
    # Installed as a whole, and rid of the old one.
    wait_until(
        page,
        """async () => {
            const [name] = (await caches.keys()).filter((name) => name.includes("precache"));
            const kept = await (await caches.open(name)).matchAll("/strings/en.json", { ignoreSearch: true });
            return kept.length === 1 && (await kept[0].text()).includes("A new sentence.");
        }""",
    )
    wait_until(page, INSTALLED)
    context.set_offline(True)
    page.reload()
    expect(page.locator(".lede")).to_have_text("A new sentence.")
    expect(page.locator("#private-state")).to_contain_text("The model is on this device", timeout=120_000)
    (left,) = [path for path in page.evaluate(KEPT) if path.endswith(".onnx.gz")]
    assert [left] != models


def test_page_can_be_installed(page: Page, context: BrowserContext) -> None:
    """The page can be installed as an app."""
    complaints = context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A window of its own that forgets everything cannot install anything.
    assert [error["errorId"] for error in complaints if error["errorId"] != "in-incognito"] == []
    manifest = json.loads(page.evaluate("fetch('/manifest.json').then((response) => response.text())"))
    for icon in manifest["icons"]:
        if icon["type"] == "image/png":
            with Image.open(bundle.SITE / icon["src"].lstrip("/")) as image:
                assert f"{image.width}x{image.height}" == icon["sizes"]
    assert manifest["name"] == Settings.title
