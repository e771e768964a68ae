"""The diary's storage: when it exists, its upgrade, its thumbnails, and two windows that change it at once."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.diary import fill_diary, fill_version_1

DATABASES = "async () => (await indexedDB.databases()).map(({ name, version }) => `${name} ${version}`)"
THUMBNAILS = """async () => {
    const store = await import("/js/diary/store.js");
    const thumbnails = await store.listThumbnails(await store.listPhotoIds());
    return Promise.all(thumbnails.map(async (blob) => {
        if (!blob) return null;
        const { width, height } = await createImageBitmap(blob);
        return [width, height];
    }));
}"""
SHOWN = """async (selector) => {
    const images = [...document.querySelectorAll(selector)];
    await Promise.all(images.map((image) => image.decode()));
    return images.map(({ naturalWidth }) => naturalWidth);
}"""


def open_spot(page: Page) -> None:
    """Open the only spot of a diary."""
    page.locator("#diary-open").click()
    page.locator(".spot").click()
    expect(page.locator(".timeline li").first).to_be_visible()


@pytest.fixture
def windows(open_page: Callable[..., Page]) -> tuple[Page, Page]:
    """Return two windows of one browser that show the same spot."""
    first = open_page()
    fill_diary(first)
    open_spot(first)
    second = first.context.new_page()
    second.goto(first.url)
    expect(second.locator(".timeline li")).to_have_count(3)
    return first, second


def test_no_database_before_something_is_kept(page: Page) -> None:
    """Neither reading the diary, nor switching it on, nor deleting from it creates a database."""
    page.locator("#diary-open").click()
    expect(page.get_by_role("switch")).not_to_be_checked()
    assert page.evaluate(DATABASES) == []
    page.get_by_role("switch").check()
    expect(page.get_by_text("No spot yet.")).to_be_visible()
    answers = page.evaluate(
        """async () => {
            const store = await import("/js/diary/store.js");
            const photo = { id: "1", spot: "2", note: "" };
            await store.deletePhoto(photo);
            await store.deleteSpot("2");
            await store.saveThumbnail("1", new Blob());
            const changed = await store.updatePhoto(photo, { note: "x" });
            const lists = [await store.listOverview(), await store.listPhotos("2"), await store.listPhotoIds()];
            return [changed, ...lists, await store.count()];
        }"""
    )
    assert answers == [None, [], [], [], {"spots": 0, "photos": 0}]
    assert page.evaluate(DATABASES) == []


def test_delete_all_removes_database_and_switch(windows: tuple[Page, Page]) -> None:
    """After everything was deleted, no database and no setting is left, and the other window shows it."""
    first, second = windows
    first.get_by_role("link", name="All spots").click()
    first.on("dialog", lambda dialog: dialog.accept())
    first.get_by_role("button", name="Delete the whole diary").click()
    for page in windows:
        expect(page.get_by_role("switch")).not_to_be_checked()
        expect(page.locator(".spot")).to_have_count(0)
        assert page.evaluate("localStorage.getItem('diary')") is None
    assert first.evaluate(DATABASES) == []
    # A field that the other window still showed cannot bring the diary back.
    second.reload()
    expect(second.get_by_role("switch")).not_to_be_checked()
    assert second.evaluate(DATABASES) == []


def test_windows_keep_each_others_changes(windows: tuple[Page, Page]) -> None:
    """Another field of the same record stays; a text that both windows changed contains both."""
    first, second = windows
    photo = first.locator(".timeline li").first
    stale = second.locator(".timeline li").first
    # While the person writes in the second window, it is not drawn again.
    stale.get_by_label("Note").fill("seen in the second window")
    photo.get_by_label("Note").fill("seen in the first window")
    photo.get_by_label("Note").blur()
    photo.get_by_label("Date").fill("2026-06-05")
    expect(first.locator(".timeline li").first).to_contain_text("June 5, 2026")
    expect(stale.get_by_label("Note")).to_have_value("seen in the second window")
    stale.get_by_label("Note").blur()
    for page in windows:
        shown = page.locator(".timeline li").first
        expect(shown).to_contain_text("June 5, 2026")
        expect(shown.get_by_label("Note")).to_have_value("seen in the first window\nseen in the second window")


def test_change_is_drawn_in_the_other_window(windows: tuple[Page, Page]) -> None:
    """Site, time and deletion appear in the other window; what is changed after the deletion is not written."""
    first, second = windows
    first.get_by_label("Body site").select_option("detail.palm.left")
    expect(second.get_by_label("Body site")).to_have_value("detail.palm.left")
    expect(second.get_by_role("heading", name="Palm of the hand, on the left")).to_be_visible()
    second.get_by_label("Since when?").fill("half a year")
    second.get_by_label("Since when?").blur()
    expect(first.get_by_label("Since when?")).to_have_value("half a year")
    second.get_by_label("Note").first.focus()
    first.on("dialog", lambda dialog: dialog.accept())
    first.get_by_role("button", name="Delete this spot").click()
    expect(first.get_by_text("No spot yet.")).to_be_visible()
    second.get_by_label("Note").first.fill("too late")
    second.get_by_label("Note").first.blur()
    expect(second.get_by_text("No spot yet.")).to_be_visible()
    count = "async () => (await import('/js/diary/store.js')).count()"
    assert second.evaluate(count) == {"spots": 0, "photos": 0}


def test_photo_of_deleted_spot_is_not_kept(page: Page) -> None:
    """A spot that another window deleted meanwhile gets no photos that nobody could see."""
    fill_diary(page)
    answer = page.evaluate(
        """async () => {
            const store = await import("/js/diary/store.js");
            const [spot] = await store.listSpots();
            const [photo] = await store.listPhotos(spot.id);
            await store.deletePhoto(photo);
            const attempts = [
                store.keep(spot.id, [], [{ id: photo.id, result: null }]),
                store.deleteSpot(spot.id).then(() => store.keep(spot.id, [{ photo, thumbnail: photo.blob }])),
            ];
            const keys = await Promise.all(attempts.map((each) => each.then(() => "kept", ({ key }) => key)));
            return [keys, await store.count()];
        }"""
    )
    assert answer == [["diary.gone", "diary.gone"], {"spots": 0, "photos": 0}]


@pytest.mark.parametrize("how", ["throws", "fails later"])
def test_refused_photo_leaves_no_spot(page: Page, how: str) -> None:
    """Where the browser does not store a photo, as WebKit in a private window, its new spot is not kept either."""
    fill_diary(page)
    answer = page.evaluate(
        """async (how) => {
            const store = await import("/js/diary/store.js");
            const [spot] = await store.listSpots();
            const [photo] = await store.listPhotos(spot.id);
            const before = await store.count();
            const put = IDBObjectStore.prototype.put;
            IDBObjectStore.prototype.put = function (value, key) {
                if (this.name !== "photos") return key === undefined ? put.call(this, value) : put.call(this, value, key);
                if (how === "throws") throw new DOMException("refused", "DataCloneError");
                // A request that fails: the record is there already.
                return this.add({ ...value, id: photo.id });
            };
            const refused = await store
                .keep({ ...spot, id: "new" }, [{ photo: { ...photo, id: "newer", spot: "new" }, thumbnail: photo.blob }])
                .then(() => "kept", ({ name }) => name);
            IDBObjectStore.prototype.put = put;
            return [refused, JSON.stringify(await store.count()) === JSON.stringify(before)];
        }""",
        how,
    )
    assert answer == [{"throws": "DataCloneError", "fails later": "ConstraintError"}[how], True]


def test_lists_show_thumbnails(page: Page) -> None:
    """Thumbnails are stored beside new photos, which the list and the timeline show; a deleted photo leaves none."""
    page.locator("#diary-open").click()
    page.get_by_role("switch").check()
    kept = page.evaluate(
        """async () => {
            const store = await import("/js/diary/store.js");
            const { newPhoto } = await import("/js/diary/new-photo.js");
            const canvas = new OffscreenCanvas(3000, 1500);
            canvas.getContext("2d").fillRect(0, 0, 100, 100);
            const file = new File([await canvas.convertToBlob({ type: "image/jpeg" })], "large.jpg");
            const both = { note: "", created: 1, changed: 1 };
            const spot = { id: crypto.randomUUID(), site: "front.face", since: "", ...both };
            await store.keep(spot, [await newPhoto(spot.id, file, "2026-01-02", null)]);
            return (await store.listPhotos(spot.id)).length;
        }"""
    )
    assert kept == 1
    assert page.evaluate(THUMBNAILS) == [[640, 320]]
    page.reload()
    page.locator(".spot img").wait_for()
    assert page.evaluate(SHOWN, ".spot img") == [640]
    page.locator(".spot").click()
    page.locator(".timeline img").wait_for()
    assert page.evaluate(SHOWN, ".timeline img") == [640]
    left = page.evaluate(
        """async () => {
            const store = await import("/js/diary/store.js");
            const id = (await store.listPhotoIds())[0];
            await store.deletePhoto(await store.getPhoto(id));
            return [await store.listThumbnails([id]), await store.count()];
        }"""
    )
    assert left == [[None], {"spots": 1, "photos": 0}]


@pytest.mark.parametrize("photos", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_diary_of_version_1_is_upgraded(page: Page, photos: int) -> None:
    """Spots and photos of the first version stay, the newest is found by its date, and thumbnails are made when shown."""
    fill_version_1(page, spots=2, photos=photos, side=800)
    assert page.evaluate(DATABASES) == ["diary 1"]
    page.locator("#diary-open").click()
    expect(page.locator(".spot")).to_have_count(2)
    assert page.evaluate(DATABASES) == ["diary 2"]
    overview: list[Any] = page.evaluate(
        """async () => {
            const { listOverview } = await import("/js/diary/store.js");
            return (await listOverview()).map(({ spot, photos, newest }) => [spot.note, photos, newest.note]);
        }"""
    )
    # The dates of `fill_version_1` descend, so that the photo that was added first is the newest.
    assert overview == [["Spot 1", photos // 2, "Photo 0"], ["Spot 0", photos // 2, "Photo 0"]]
    expected = f"async (made) => (await ({THUMBNAILS})()).filter(Boolean).length === made"
    page.wait_for_function(expected, arg=2)
    page.locator(".spot").first.click()
    expect(page.locator(".timeline li")).to_have_count(photos // 2)
    page.wait_for_function(expected, arg=photos // 2 + 1)
    assert {tuple(size) for size in page.evaluate(THUMBNAILS) if size} == {(640, 640)}
