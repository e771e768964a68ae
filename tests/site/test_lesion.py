"""Several photos of one lesion: they are sent together, and shown as one result with each photo's own."""

import csv
import re
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.support.site.languages import EACH_LANGUAGE
from tests.support.site.report import DIAGNOSES, printed
from tests.support.site.service import CARD, TYPES_CARD, answer, lesion, typed
from tests.support.site.visit import HEADINGS, IMAGES, UPLOAD_LIMIT, form_files, named_files

HIGH, LOW, REFUSED = answer(0.62, "malignant"), answer(0.034, "benign"), answer(0)
AGREE = lesion(0.5, ("malignant",), "agree", HIGH, answer(0.38, "malignant"), REFUSED)
NAMES = ("a.jpg", "b.jpg", "c.jpg")


Asked = list[tuple[str, list[bytes]]]
"""Query and files of each request."""


def serve(page: Page, *bodies: dict[str, Any] | tuple[int, dict[str, Any]], card: Any = CARD) -> Asked:
    """Answer in the service's place, and return the queries and files of the requests from here on."""
    asked: Asked = []
    left = list(bodies)

    def respond(route: Route) -> None:
        asked.append((route.request.url.split("?")[1], form_files(route)))
        body = left.pop(0)
        if isinstance(body, tuple):
            route.fulfill(status=body[0], json=body[1])
        else:
            route.fulfill(json=body)

    page.route("**/api/model", lambda route: route.fulfill(json=card))
    page.route("**/api/classify**", respond)
    return asked


def choose_one(page: Page, files: list[Any]) -> None:
    """Choose files, and say that they show one lesion."""
    page.set_input_files("#file", files)
    page.get_by_role("radio", name="one lesion, several photos").check()


def analyse_together(page: Page, files: list[Any]) -> None:
    choose_one(page, files)
    page.get_by_role("button", name="Analyse together").click()
    expect(page.locator("#answer")).to_be_visible()


def rows(page: Page) -> Iterator[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    yield from csv.DictReader(StringIO(text, newline=""))


def test_different_lesions_are_the_default(page: Page) -> None:
    """Unless the person says otherwise, each photo is sent and shown alone."""
    asked = serve(page, HIGH, LOW)
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    expect(page.get_by_role("group", name="These photos show")).to_be_visible()
    expect(page.get_by_role("radio", name="different lesions")).to_be_checked()
    page.get_by_role("button", name="Analyse all").click()
    expect(page.locator("#queue-progress")).to_have_text("2 of 2 analysed")
    assert [(query, len(files)) for query, files in asked] == [("views=8", 1)] * 2
    expect(page.locator("#lesion")).to_be_hidden()


def test_lesion_is_sent_in_one_form(page: Page) -> None:
    """Photos that fit the limit are sent unchanged, in the order of the list, without their names."""
    asked = serve(page, AGREE)
    # As buffers: Playwright does not report the content of files that the browser reads itself.
    buffers = [{"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()} for path in IMAGES[:3]]
    analyse_together(page, buffers)
    [(query, files)] = asked
    assert query == "views=8"
    assert files == [path.read_bytes() for path in IMAGES[:3]]
    expect(page.locator("#details")).not_to_contain_text("made smaller")


def test_lesion_shows_range_and_each_photo(page: Page) -> None:
    """The combined result stands first, then the range and each photo's own result or refusal."""
    serve(page, AGREE)
    analyse_together(page, named_files(*NAMES))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["above"])
    expect(page.locator("#result-heading")).to_be_focused()
    expect(page.locator("#malignant")).to_have_text("5.8%")
    expect(page.locator("#lesion-range")).to_have_text(
        "The result combines 2 photos. Alone, they lie between 3.6% and 9.1% malignant. "
        "Photos that could not be analysed and do not count: 1. "
        "The evidence map is that of a.jpg. Choose another row to see that of its photo."
    )
    items = page.locator("#lesion-images li")
    expect(items).to_have_text(
        [
            "a.jpg9.1%, Above the threshold",
            "b.jpg3.6%, Above the threshold",
            "c.jpgThe photo is too blurred to analyse. Hold still, let the camera focus, and take it again.",
        ]
    )
    # Coverage and frequencies were measured for single photos.
    expect(page.locator("#set")).to_have_text("Prediction set: malignant only.")
    expect(page.locator("#meaning-test")).to_contain_text("The test used one photo of each lesion, this result several")
    expect(page.locator("#details")).to_contain_text("c.jpg, 1504 × 1129 pixels, JPEG")
    expect(page.locator("#queue-progress")).to_have_text("3 of 3 analysed")
    expect(page.get_by_role("row", name=re.compile("b.jpg"))).to_contain_text("3.6%")
    expect(page.get_by_role("row", name=re.compile("c.jpg"))).to_contain_text("Could not be analysed")
    expect(page.get_by_role("button", name="Analyse together")).to_be_disabled()
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#lesion-range")).to_contain_text("Das Ergebnis verbindet 2 Aufnahmen.")


def test_lesion_map_is_that_of_chosen_row(page: Page) -> None:
    """Another row shows its photo and its map beside the same combined result."""
    serve(page, AGREE)
    analyse_together(page, named_files(*NAMES))
    expect(page.locator("#map")).to_be_visible()
    page.get_by_role("button", name="b.jpg", exact=True).click()
    expect(page.locator("#lesion-range")).to_contain_text("The evidence map is that of b.jpg.")
    expect(page.get_by_role("img", name="b.jpg")).to_be_visible()
    expect(page.locator("#malignant")).to_have_text("5.8%")
    page.get_by_role("button", name="c.jpg", exact=True).click()
    expect(page.locator("#malignant")).to_have_text("5.8%")
    expect(page.locator("#evidence")).to_be_hidden()


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_lesion_disagreement_is_uncertain(opened: Callable[..., Page], language: str) -> None:
    """Photos on different sides of the threshold make the result uncertain, on the page and in a report of one page."""
    page = opened(language)
    bodies = (typed(HIGH, "dermoscopic"), typed(LOW, "clinical"), typed(REFUSED, "clinical"))
    body = lesion(0.2, ("benign",), "disagree", *bodies)
    # As many as the repository's model has.
    body["prediction"]["classes"] = [{"code": code, "malignant": False, "probability": 0.12} for code in DIAGNOSES]
    serve(page, body, card=TYPES_CARD)
    page.set_input_files("#file", named_files(*NAMES))
    page.locator("#grouping-one").check()
    page.locator("#queue-analyse").click()
    expect(page.locator("#answer")).to_be_visible()
    assert "is-uncertain" in (page.locator("#result").get_attribute("class") or "")
    expect(page.locator("#uncertain")).to_be_visible()
    if language == "en":
        expect(page.locator("#result-heading")).to_have_text(HEADINGS["uncertain_below"])
        expect(page.locator("#uncertain")).to_contain_text("the photos disagree: alone, some score above their threshold")
        expect(page.locator("#next-steps")).to_contain_text("Show the spot to a doctor.")
        # Figures of one type are not those of photos of both.
        expect(page.locator("#advice")).to_have_text(
            "This does not rule out skin cancer. "
            "If it is new, changing, bleeding, or worries you, see a doctor within two weeks."
        )
        expect(page.locator("#meaning")).to_be_hidden()
        # Odds of 1/4, times those of 2 % to those of the priors 1/4 and 1/2, whose mean log odds are of 1 to the root of 3.
        expect(page.locator("#malignant")).to_have_text("0.9%")
    text, _ = printed(page, "Letter")
    for part in ("#uncertain", "#lesion-range", "#lesion-images li:nth-child(2)"):
        assert " ".join(page.locator(part).inner_text().split()) in text
    assert page.locator("#grouping legend").inner_text() not in text


def test_lesion_of_one_accepted_photo_says_so(page: Page) -> None:
    """If only one photo could be analysed, the result is called that of this photo."""
    serve(page, lesion(0.62, ("malignant",), None, REFUSED, HIGH))
    analyse_together(page, named_files("a.jpg", "b.jpg"))
    expect(page.locator("#lesion-range")).to_contain_text("Only one photo could be analysed.")
    expect(page.locator("#lesion-range")).to_contain_text("do not count: 1.")


def test_lesion_of_refused_photos_is_refused(page: Page) -> None:
    """If all photos are refused, so is the lesion, and each reason is listed."""
    serve(page, lesion(0, (), None, REFUSED, REFUSED))
    analyse_together(page, named_files("a.jpg", "b.jpg"))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["refused"])
    expect(page.locator("#lesion-images li")).to_have_count(2)
    expect(page.locator("#lesion-range")).to_have_text("Photos that could not be analysed and do not count: 2.")
    expect(page.locator("#result")).not_to_contain_text("%")


def test_lesion_type_can_be_corrected(page: Page) -> None:
    """Each photo has its own type; a correction is sent for all of them."""
    bodies = (typed(HIGH, "dermoscopic"), typed(HIGH, "clinical", probability=0.8))
    given = tuple(typed(HIGH, "clinical", "given", share) for share in (0.03, 0.8))
    asked = serve(
        page, lesion(0.62, ("malignant",), "agree", *bodies), lesion(0.62, ("malignant",), "agree", *given), card=TYPES_CARD
    )
    analyse_together(page, named_files("a.jpg", "b.jpg"))
    expect(page.locator("#image-type-text")).to_be_hidden()
    expect(page.locator("#lesion-images small")).to_have_text(
        [
            "Analysed as a photo taken with a dermatoscope (detected, 97%).",
            "Analysed as a photo taken with an ordinary camera (detected, 80%).",
        ]
    )
    page.get_by_label("How was it taken?").select_option("clinical")
    expect(page.locator("#lesion-images small").first).to_contain_text("ordinary camera (your choice")
    # Of one type now, so its figures are shown.
    expect(page.locator("#meaning-test")).to_contain_text("These figures are for photos taken with an ordinary camera.")
    assert [query for query, _ in asked] == ["views=8", "views=8&image_type=clinical"]


def test_lesion_is_exported_below_its_photos(page: Page) -> None:
    """The CSV file contains each photo and, below them, the lesion."""
    serve(page, AGREE)
    analyse_together(page, named_files(*NAMES))
    names = ("file", "status", "probability", "refusal", "images", "agreement")
    assert [tuple(row[name] for name in names) for row in rows(page)] == [
        ("a.jpg", "ok", "0.62", "", "", ""),
        ("b.jpg", "ok", "0.38", "", "", ""),
        ("c.jpg", "refused", "", "too_blurry", "", ""),
        ("a.jpg; b.jpg; c.jpg", "ok", "0.5", "", "3", "agree"),
    ]


def noise(name: str, side: int, quality: int) -> FilePayload:
    """Return a JPEG that hardly compresses."""
    pixels = np.random.default_rng(side).integers(0, 255, (side, side, 3)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


@pytest.mark.slow
def test_lesion_is_shrunk_to_fit_the_limit(page: Page) -> None:
    """Photos that exceed the limit together are made smaller, only as many and as much as needed."""
    asked = serve(page, lesion(0.62, ("malignant",), "agree", *[HIGH] * 5))
    small = named_files("small.jpg")[0]
    large = [noise(f"{number}.jpg", 1700 + number, 90) for number in range(4)]
    assert sum(len(file["buffer"]) for file in large) > UPLOAD_LIMIT > len(large[0]["buffer"])
    analyse_together(page, [large[0], small, *large[1:]])
    [(_, files)] = asked
    assert len(files) == 5 and sum(map(len, files)) <= UPLOAD_LIMIT - 2000
    assert files[1] == small["buffer"]
    for data in [files[0], *files[2:]]:
        with Image.open(BytesIO(data)) as image:
            assert image.format == "JPEG" and 640 <= image.width <= 1600
    expect(page.locator("#details")).to_contain_text(
        re.compile(r"4 of 5 photos made smaller in your browser, [1-4]\.\d MB together")
    )


def test_lesion_that_cannot_fit_is_explained(page: Page) -> None:
    """A file that cannot be made smaller is named as the reason."""
    asked = serve(page)
    unknown = {"name": "b.tiff", "mimeType": "image/tiff", "buffer": b"II*\0" + bytes(UPLOAD_LIMIT)}
    choose_one(page, [*named_files("a.jpg"), unknown])
    page.get_by_role("button", name="Analyse together").click()
    expect(page.locator("#advice")).to_contain_text("Together, the photos are too large for the service")
    assert asked == []


def test_lesion_is_offered_for_few_own_photos(page: Page) -> None:
    """One lesion can be chosen for two to five photos of the person, and the hint says so otherwise."""
    one = page.get_by_role("radio", name="one lesion, several photos")
    hint = page.locator("#grouping-hint")
    page.set_input_files("#file", named_files(*(f"{number}.jpg" for number in range(5))))
    one.check()
    page.set_input_files("#file", named_files("6.jpg"))
    expect(one).to_be_disabled()
    expect(page.get_by_role("radio", name="different lesions")).to_be_checked()
    expect(hint).to_have_text("One lesion: two to 5 photos of your own, no samples.")
    expect(page.get_by_role("button", name="Analyse all")).to_be_visible()
    page.get_by_role("button", name="Remove 6.jpg").click()
    expect(one).to_be_enabled()
    expect(hint).to_be_hidden()
    page.get_by_role("button", name="Remove 4.jpg").click()
    page.get_by_role("button", name="Sample 3", exact=True).click()
    expect(one).to_be_disabled()


def test_lesion_is_not_offered_by_older_service(page: Page) -> None:
    """A service that does not say how many images it combines gets one at a time."""

    def older(route: Route) -> None:
        config = route.fetch().json()
        del config["limits"]["max_images"]
        route.fulfill(json=config)

    page.route("**/api/config", older)
    with page.expect_response("**/api/config"):
        page.reload()
    page.set_input_files("#file", named_files("a.jpg", "b.jpg"))
    expect(page.locator("#queue")).to_be_visible()
    expect(page.locator("#grouping")).to_be_hidden()


def test_lesion_problem_names_its_photo(page: Page) -> None:
    """A problem of one photo names it, in the result and in its row; a retry sends all photos again."""
    problem = {"code": "unsupported_format", "detail": "Image 2 of 3: not an image.", "status": 415}
    asked = serve(page, (415, problem), AGREE)
    choose_one(page, named_files(*NAMES))
    page.get_by_role("button", name="Analyse together").click()
    expect(page.locator("#advice")).to_have_text("b.jpg: This format is not supported. Choose a photo, such as a JPEG.")
    expect(page.get_by_role("row", name=re.compile("b.jpg"))).to_contain_text("No result")
    expect(page.get_by_role("row", name=re.compile("a.jpg"))).to_contain_text("Not analysed yet")
    page.get_by_role("button", name="Retry b.jpg").click()
    expect(page.locator("#malignant")).to_have_text("5.8%")
    assert [len(files) for _, files in asked] == [3, 3]


def test_lesion_changes_with_its_photos(page: Page) -> None:
    """Cancelling, removing a photo or another choice ends the analysis of the lesion, and its result is not shown."""
    held: list[Route] = []
    page.route("**/api/classify**", lambda route: held.append(route))
    choose_one(page, named_files(*NAMES))
    analyse = page.get_by_role("button", name="Analyse together")
    analyse.click()
    expect(page.locator("[data-state=running]")).to_have_count(3)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-state=new]")).to_have_count(3)
    analyse.click()
    expect(page.locator("[data-state=running]")).to_have_count(3)
    page.get_by_role("button", name="Remove c.jpg").click()
    expect(page.locator("[data-state=new]")).to_have_count(2)
    expect(page.get_by_role("radio", name="one lesion, several photos")).to_be_checked()
    expect(page.locator("#advice")).to_contain_text("Press Analyse")
    page.unroute("**/api/classify**")
    serve(page, lesion(0.62, ("malignant",), "agree", HIGH, HIGH))
    analyse.click()
    expect(page.locator("#lesion")).to_be_visible()
    page.get_by_role("radio", name="different lesions").check()
    # Its own part of the answer remains.
    expect(page.locator("#lesion")).to_be_hidden()
    expect(page.locator("#malignant")).to_have_text("9.1%")
    page.get_by_role("radio", name="one lesion, several photos").check()
    expect(page.locator("#answer")).to_be_hidden()
    expect(analyse).to_be_enabled()


@pytest.mark.slow
def test_lesion_of_service_and_of_this_device_agree(page: Page) -> None:
    """Private mode combines the photos as the service does, and says which one it is at."""
    analyse_together(page, list(IMAGES[:3]))
    parts = ("#result-heading", "#lesion-images li b", "#details dd")
    there = [page.locator(part).all_text_contents()[:3] for part in parts]
    malignant = float(page.locator("#malignant").inner_text().rstrip("%"))
    page.locator("#private").check()
    expect(page.locator("#private-mode")).to_have_attribute("data-state", "ready", timeout=120_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # A photo may take less time than two looks of `expect` at the page.
    page.evaluate("""() => {
        const busy = document.getElementById("busy-text");
        window.steps = new Set();
        const observer = new MutationObserver(() => window.steps.add(busy.textContent));
        observer.observe(busy, { childList: true, characterData: true, subtree: true });
    }""")
    page.locator("#analyse").click()
    expect(page.locator("#answer")).to_be_visible(timeout=120_000)
    steps = page.evaluate("[...steps]")
    assert [f"Photo {number} of 3 is being analysed on this device." in steps for number in (1, 2, 3)] == [True] * 3, steps
    here = [page.locator(part).all_text_contents()[:3] for part in parts]
    assert here[:2] == there[:2] and here[2][0] == there[2][0]
    assert float(page.locator("#malignant").inner_text().rstrip("%")) == pytest.approx(malignant, abs=1.5)
    assert not [url for url in asked if "/api/" in url]
    expect(page.locator("#details")).to_contain_text("nothing; analysed on this device")
