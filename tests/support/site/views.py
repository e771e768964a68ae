"""All views of the page and how to reach them; responses that depend on the model are mocked."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageFilter
from playwright.sync_api import Page, Route, expect

from tests.support.paths import SAMPLES
from tests.support.site.diary import fill_diary
from tests.support.site.service import FULL_CARD, TYPES_CARD, answer, answer_with, lesion, typed
from tests.support.site.visit import set_views, unfold

IMAGE = SAMPLES / "ISIC_0000026.jpg"
ANSWERS = {
    "above": answer(0.62, "malignant"),
    "below": answer(0.034, "benign"),
    "uncertain": answer(0.309, "benign", "malignant"),
    "refused": answer(0),
}
RULES = """
    window.broken = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        window.broken.push(`${violatedDirective} forbids ${blockedURI}`));
"""
"""Records violations of the Content-Security-Policy."""
PROBLEM = {"type": "", "title": "", "status": 500, "detail": "English.", "code": "fault"}


def files(*names: str) -> list[Any]:
    """Return files with these names."""
    return [{"name": name, "mimeType": "image/jpeg", "buffer": IMAGE.read_bytes()} for name in names]


def start(page: Page) -> None:
    """Leave the page as it opens."""


def chosen(page: Page) -> None:
    """Choose a file, before it is classified."""
    page.set_input_files("#file", IMAGE)
    expect(page.locator("#analyse")).to_be_enabled()


def hinted(page: Page) -> None:
    """Choose a dark and blurred file, before it is classified."""
    with Image.open(IMAGE) as image:
        faulty = image.convert("RGB").filter(ImageFilter.GaussianBlur(30)).point(lambda level: level // 4)
    buffer = BytesIO()
    faulty.save(buffer, "JPEG")
    page.set_input_files("#file", {"name": "dark.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()})
    expect(page.locator("#photo-check li")).to_have_count(2)


def busy(page: Page) -> None:
    """Wait for a response."""
    held: list[Route] = []
    page.route("**/api/classify**", lambda route: held.append(route))
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.locator("#busy-text")).not_to_be_empty()


def problem(page: Page) -> None:
    """Show a failed request."""
    page.route("**/api/classify**", lambda route: route.fulfill(status=500, json=PROBLEM))
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.locator("#result")).to_have_attribute("data-status", "problem")


def answered(body: Mapping[str, Any]) -> Callable[[Page], None]:
    """Return a view that shows `body`, with metrics and plots."""

    def view(page: Page) -> None:
        answer_with(page, body, FULL_CARD)
        expect(page.locator("#answer")).to_be_visible()

    return view


def printed(page: Page) -> None:
    """Show the result in print media."""
    answered(ANSWERS["above"])(page)
    page.emulate_media(media="print", color_scheme="light")


def several(page: Page) -> None:
    """Show a table of a classified, a refused and a failed file."""
    bodies = [ANSWERS["above"], ANSWERS["refused"]]
    page.route("**/api/model", lambda route: route.fulfill(json=FULL_CARD))
    page.route(
        "**/api/classify**",
        lambda route: route.fulfill(json=bodies.pop(0)) if bodies else route.fulfill(status=500, json=PROBLEM),
    )
    page.set_input_files("#file", files("a-name-that-is-much-too-long-for-any-phone.jpg", "b.jpg", "c.jpg"))
    # Each row shows the number of views.
    set_views(page, 1)
    page.locator("#queue-analyse").click()
    expect(page.locator("[data-state=failed]")).to_have_count(1)
    page.locator("[data-sort=probability]").click()


def one_lesion(page: Page) -> None:
    """Show the result of several photos of one lesion, of both image types, which disagree."""
    bodies = (typed(ANSWERS["above"], "dermoscopic"), typed(ANSWERS["below"], "clinical"), ANSWERS["refused"])
    body = lesion(0.2, ("benign",), "disagree", *bodies)
    page.route("**/api/model", lambda route: route.fulfill(json=TYPES_CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=body))
    page.set_input_files("#file", files("a.jpg", "b.jpg", "c.jpg"))
    page.locator("#grouping-one").check()
    page.locator("#queue-analyse").click()
    expect(page.locator("#answer")).to_be_visible()


def about_types(page: Page) -> None:
    """Open the About view of a model of both image types."""
    page.route("**/api/model", lambda route: route.fulfill(json=TYPES_CARD))
    page.locator("#about-open").click()
    expect(page.locator("#test-figures table")).to_have_count(3)


def crop(page: Page) -> None:
    """Open the crop dialog."""
    chosen(page)
    page.locator("#crop-open").click()
    expect(page.locator("#crop-work")).to_be_visible()
    page.locator("[data-move=closer]").click()


def camera(page: Page) -> None:
    """Open the camera."""
    page.locator("#camera-open").click()
    expect(page.locator("#camera-shutter")).to_be_enabled()


def no_camera(page: Page) -> None:
    """Open the camera without permission."""
    denied = "async () => { throw new DOMException('', 'NotAllowedError'); }"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {denied}; }}")
    page.locator("#camera-open").click()
    expect(page.locator("#camera-problem")).to_be_visible()


def private(page: Page) -> None:
    """Show private mode during its download."""
    held: list[Route] = []
    page.route("**/*.onnx.gz", lambda route: held.append(route))
    unfold(page)
    page.locator("#private").check()
    expect(page.locator("#private-mode")).to_have_attribute("data-state", "loading")


def private_ready(page: Page) -> None:
    """Show a result of private mode."""
    unfold(page)
    page.locator("#private").check()
    expect(page.locator("#private-mode")).to_have_attribute("data-state", "ready", timeout=120_000)
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.locator("#answer")).to_be_visible(timeout=120_000)


def private_failed(page: Page) -> None:
    """Show private mode after a failed download, and a classification in this state."""
    page.route("**/*.onnx.gz", lambda route: route.abort())
    unfold(page)
    page.locator("#private").check()
    expect(page.locator("#private-mode")).to_have_attribute("data-state", "failed")
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.locator("#result")).to_have_attribute("data-status", "problem")


def about(page: Page) -> None:
    """Open the About view with all plots and tables."""
    page.route("**/api/model", lambda route: route.fulfill(json=FULL_CARD))
    page.locator("#about-open").click()
    expect(page.locator("#test-figures figure")).to_have_count(4)
    for summary in page.locator("#test-figures summary").all():
        summary.click()


def diary(page: Page) -> None:
    """Open the diary with one spot."""
    fill_diary(page)
    page.locator("#diary-open").click()
    expect(page.locator(".spot img")).to_be_visible()


def diary_spot(page: Page) -> None:
    """Open a spot of the diary, and compare two photos one over the other."""
    diary(page)
    page.locator(".spot").click()
    expect(page.locator(".timeline li")).to_have_count(3)
    page.locator(".comparison .controls button").first.click()
    page.locator(".comparison .controls button").last.click()
    expect(page.locator(".compare-said[data-verdict]")).not_to_be_empty()


def diary_keep(page: Page) -> None:
    """Open the dialog that keeps a result."""
    fill_diary(page)
    page.route("**/api/model", lambda route: route.fulfill(json=FULL_CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=ANSWERS["below"]))
    chosen(page)
    page.locator("#analyse").click()
    page.locator("#over-time [data-question=border]").check()
    page.locator("#over-time .controls button").last.click()
    expect(page.locator("dialog .site-menu")).to_be_visible()


def report(page: Page) -> None:
    """Open the report of a spot."""
    diary(page)
    page.locator(".spot").click()
    expect(page.locator(".timeline li")).to_have_count(3)
    page.locator(".diary-body .controls button").nth(1).click()
    expect(page.locator("dialog .concerns")).to_be_visible()


VIEWS: Mapping[str, Callable[[Page], None]] = {
    **{view.__name__: view for view in (start, chosen, hinted, busy, problem)},
    **{name: answered(body) for name, body in ANSWERS.items()},
    **{view.__name__: view for view in (printed, several, one_lesion, crop, camera, no_camera)},
    **{view.__name__: view for view in (private, private_ready, private_failed, about, about_types)},
    **{view.__name__: view for view in (diary, diary_spot, diary_keep, report)},
}
