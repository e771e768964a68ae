"""The diary: its switch, keeping results, the timeline, deletion, and that nothing of it reaches the network."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.support.site.service import CARD, answer
from tests.support.site.visit import IMAGES, PHONE


def open_diary(page: Page) -> None:
    """Open the diary by its link."""
    page.locator("#diary-open").click()
    expect(page.get_by_role("heading", name="Diary")).to_be_focused()


def switch_on(page: Page) -> None:
    """Switch the diary on and return to the analysis."""
    open_diary(page)
    page.get_by_role("switch", name="Keep a diary on this device").check()
    expect(page.get_by_text("No spot yet.")).to_be_visible()
    page.locator("#diary-close").click()


def analyse(page: Page, photo: Path | FilePayload, probability: float = 0.62) -> None:
    """Analyse a file, with an answer in the service's place."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=answer(probability, "malignant")))
    page.set_input_files("#file", photo)
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.locator("#answer")).to_be_visible()


def keep(page: Page, site: str = "front.forearm.left", since: str = "last spring") -> None:
    """Keep the result that is shown as a new spot."""
    page.get_by_role("button", name="Keep in the diary").click()
    dialog = page.get_by_role("dialog", name="Keep in the diary")
    dialog.get_by_label("Body site").select_option(site)
    dialog.get_by_label("Since when?").fill(since)
    dialog.get_by_label("Since when?").blur()
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(dialog).to_have_count(0)


def photo_with_place() -> FilePayload:
    """Return a JPEG with a camera's name and a place in its EXIF data."""
    exif = Image.Exif()
    exif[271] = "SecretCamera"
    exif.get_ifd(34853)[2] = (48.0, 8.0, 0.0)
    with Image.open(IMAGES[0]) as image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", exif=exif)
    assert b"SecretCamera" in buffer.getvalue()
    return {"name": "spot.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


STORED = """async () => {
    const store = await import("/js/diary/store.js");
    const spots = await store.listSpots();
    const photos = await Promise.all(spots.map(({ id }) => store.listPhotos(id)));
    return { spots, photos: photos.flat().map(({ blob, ...rest }) => ({ ...rest, type: blob.type, bytes: blob.size })) };
}"""
BYTES = """async () => {
    const store = await import("/js/diary/store.js");
    const photo = await store.getPhoto((await store.listPhotoIds())[0]);
    return btoa([...new Uint8Array(await photo.blob.arrayBuffer())].map((byte) => String.fromCharCode(byte)).join(""));
}"""


def test_diary_is_off_until_switched_on(page: Page) -> None:
    """At first nothing can be kept and nothing is stored; the switch outlives a reload and can be reversed."""
    analyse(page, IMAGES[0])
    expect(page.get_by_role("button", name="Report for a doctor")).to_be_visible()
    expect(page.get_by_role("button", name="Keep in the diary")).to_be_hidden()
    assert page.evaluate("indexedDB.databases()") == []
    switch_on(page)
    # The result is still there, and can be kept now.
    expect(page.get_by_role("button", name="Keep in the diary")).to_be_visible()
    # Its photo was not kept yet, so that the page asks before it is left.
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(re.sub(r"/[^/]*$", "/diary", page.url))
    expect(page.get_by_role("switch")).to_be_checked()
    page.get_by_role("switch").uncheck()
    expect(page.get_by_text("No spot yet.")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('diary')") is None


def test_result_is_kept_without_metadata_and_prevalence(page: Page) -> None:
    """A kept photo is a JPEG without the camera's metadata; its result is the service's, not that of a chosen prevalence."""
    switch_on(page)
    analyse(page, photo_with_place())
    page.get_by_role("checkbox", name=re.compile("^Border")).check()
    keep(page)
    stored: dict[str, Any] = page.evaluate(STORED)
    [spot], [photo] = stored["spots"], stored["photos"]
    assert (spot["site"], spot["since"]) == ("front.forearm.left", "last spring")
    assert photo["type"] == "image/jpeg" and re.fullmatch(r"\d{4}-\d\d-\d\d", photo["date"])
    result = photo["result"]
    assert result["prediction"]["malignant_probability"] == 0.62 and result["prediction"]["threshold"] == 0.31
    assert (result["model"], result["prior"], result["views"], result["concerns"]) == ("7", 0.25, 8, ["border"])
    data = base64.b64decode(page.evaluate(BYTES))
    assert b"SecretCamera" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert not image.getexif()
    # The import accepts what the page writes.
    checks = """async ([spot, photo]) => {
        const { isDetails, isSpot } = await import("/js/diary/records.js");
        return [isSpot(spot), isDetails(photo)];
    }"""
    assert page.evaluate(checks, [spot, photo]) == [True, True]
    # What is kept is not lost with the page.
    page.reload()
    expect(page.locator(".sample")).to_have_count(12)


def test_sample_cannot_be_kept(page: Page) -> None:
    """Samples are not spots of the person."""
    switch_on(page)
    page.locator(".sample").first.click()
    page.locator("#analyse").click()
    expect(page.get_by_role("button", name="Report for a doctor")).to_be_visible()
    expect(page.get_by_role("button", name="Keep in the diary")).to_be_hidden()


def test_spot_is_shown_edited_and_deleted(page: Page) -> None:
    """A spot has an address of its own; site, note and date can be edited; a photo, a spot and all can be deleted."""
    switch_on(page)
    analyse(page, IMAGES[0])
    keep(page)
    page.get_by_role("button", name="Keep in the diary").click()
    dialog = page.get_by_role("dialog", name="Keep in the diary")
    dialog.get_by_label("Which spot is it?").select_option(index=1)
    expect(dialog.get_by_label("Body site")).to_be_hidden()
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(dialog).to_have_count(0)
    open_diary(page)
    page.get_by_role("link", name=re.compile("^Forearm, front, on the left.*2 photos")).click()
    expect(page).to_have_url(re.compile("/diary#[0-9a-f-]{36}$"))
    expect(page.locator(".timeline li")).to_have_count(2)
    # Every image is displayed.
    page.locator(".timeline img").evaluate_all("(images) => Promise.all(images.map((image) => image.decode()))")
    expect(page.locator(".timeline li").first).to_contain_text(
        "Show this spot to a doctor within two weeks.Probability as calibrated: 62%"
    )
    # A tap on the figure does what the menu does.
    page.locator("[data-site='back.thigh.right']").click()
    expect(page.get_by_label("Body site")).to_have_value("back.thigh.right")
    expect(page.get_by_role("heading", name="Thigh, back, on the right")).to_be_visible()
    first = page.locator(".timeline li").first
    first.get_by_label("Note").fill("itched")
    first.get_by_label("Note").blur()
    first.get_by_label("Date").fill("2026-01-31")
    expect(page.locator(".timeline li").last).to_contain_text("January 31, 2026")
    page.reload()
    expect(page.locator(".timeline li").last.get_by_label("Note")).to_have_value("itched")
    answers = iter([False, True, True, True])
    questions: list[str] = []

    def reply(dialog: Any) -> None:
        questions.append(dialog.message)
        if next(answers):
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", reply)
    delete = page.locator(".timeline li").last.get_by_role("button", name="Delete this photo")
    delete.click()
    expect(page.locator(".timeline li")).to_have_count(2)
    delete.click()
    expect(page.locator(".timeline li")).to_have_count(1)
    page.get_by_role("button", name="Delete this spot").click()
    expect(page.get_by_text("No spot yet.")).to_be_visible()
    page.get_by_role("button", name="Delete the whole diary").click()
    expect(page.get_by_role("heading", name="Diary")).to_be_focused()
    assert len(questions) == 4 and all("cannot be undone" in question for question in questions)
    assert page.evaluate(STORED) == {"spots": [], "photos": []}


def test_next_photo_has_ghost_and_can_be_analysed(open_page: Callable[..., Page]) -> None:
    """The camera shows the last photo; the new one is kept at once, and its analysis adds the result to the same record."""
    page = open_page(PHONE)
    switch_on(page)
    analyse(page, IMAGES[0])
    keep(page)
    open_diary(page)
    page.get_by_role("link", name=re.compile("^Forearm")).click()
    page.get_by_role("button", name="Take the next photo").click()
    expect(page.locator("#viewfinder .ghost")).to_have_count(1)
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator(".timeline li")).to_have_count(2)
    newest = page.locator(".timeline li").first
    expect(newest).to_contain_text("Not analysed.")
    newest.get_by_role("button", name="Analyse").click()
    expect(page.locator("#analysis")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Show Forearm|^Forearm")).last.click()
    page.get_by_role("button", name="Analyse", exact=True).click()
    page.get_by_role("button", name="Keep in the diary").click()
    dialog = page.get_by_role("dialog", name="Keep in the diary")
    # Its own spot is chosen already.
    expect(dialog.get_by_label("Body site")).to_be_hidden()
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(dialog).to_have_count(0)
    photos = page.evaluate(STORED)["photos"]
    assert [photo["result"] is not None for photo in photos] == [True, True]


def test_no_request_carries_anything_of_the_diary(page: Page, base_url: str) -> None:
    """From keeping to export, deletion and import, the page requests only its own files, with GET and without a body."""
    switch_on(page)
    analyse(page, IMAGES[0])
    requests: list[tuple[str, str, bytes | None]] = []

    def record(route: Route) -> None:
        requests.append((route.request.method, route.request.url, route.request.post_data_buffer))
        route.continue_()

    page.route("**/*", record)
    keep(page, since="secret words")
    open_diary(page)
    page.get_by_label("New passphrase").fill("eight plain words")
    page.get_by_label("The same again").fill("eight plain words")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save a copy").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete the whole diary").click()
    expect(page.get_by_role("switch")).not_to_be_checked()
    page.get_by_role("switch").check()
    expect(page.get_by_text("No spot yet.")).to_be_visible()
    page.get_by_label("File", exact=True).set_input_files(download.value.path())
    page.get_by_label("Its passphrase").fill("wrong words")
    page.get_by_role("button", name="Open a copy").click()
    expect(page.get_by_text("The passphrase is wrong, or the file is damaged.")).to_be_visible()
    page.get_by_label("Its passphrase").fill("eight plain words")
    page.get_by_role("button", name="Open a copy").click()
    page.get_by_role("link", name=re.compile("^Forearm")).click()
    expect(page.get_by_label("Since when?")).to_have_value("secret words")
    assert {(method, body) for method, _, body in requests} == {("GET", None)}
    own = re.compile(re.escape(base_url) + r"/(js/[\w/-]+\.js|css/\w+\.css|vendor/idb/build/index\.js)$")
    assert [url for _, url, _ in requests if not own.match(url)] == []


def test_passphrase_of_export_is_checked(page: Page) -> None:
    """A short passphrase, two different ones and a missing file are answered with a sentence."""
    switch_on(page)
    open_diary(page)
    said = page.locator(".backup-said")
    pairs = (("too short", "too short", "at least 12 characters"), ("long enough now", "long enough no", "differ"))
    for first, again, sentence in pairs:
        page.get_by_label("New passphrase").fill(first)
        page.get_by_label("The same again").fill(again)
        page.get_by_role("button", name="Save a copy").click()
        expect(said).to_contain_text(sentence)
    page.get_by_role("button", name="Open a copy").click()
    expect(said).to_have_text("Choose the file first.")
