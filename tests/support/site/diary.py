"""A diary with one spot, written into the browser's storage."""

from playwright.sync_api import Page

from tests.support.browser import wait_until
from tests.support.site.service import answer
from tests.support.site.skin import SIDE, View, photo

_FILL = """async ({ photos, side, prediction }) => {
    const store = await import("/js/diary/store.js");
    const { switchDiary } = await import("/js/diary/switch-state.js");
    switchDiary(true);
    const both = { note: "Back of the arm", created: 1, changed: 1 };
    const spot = { id: crypto.randomUUID(), site: "back.lower_back.right", since: "May", ...both };
    await store.merge([spot], []);
    for (const [index, [date, text]] of photos.entries()) {
        const data = Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
        const canvas = new OffscreenCanvas(side, side);
        canvas.getContext("2d").putImageData(new ImageData(data, side, side), 0, 0);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
        const kinds = { type: "clinical", typeSource: "detected" };
        const model = { prior: 0.25, views: 8, model: "7" };
        const result = { prediction, refusal: null, agreement: null, ...kinds, ...model, concerns: ["border"] };
        const photo = { id: crypto.randomUUID(), spot: spot.id, date, ...both, created: index, result, blob };
        await store.merge([], [photo]);
    }
}"""


def fill_diary(page: Page, radius: float = 0.16) -> None:
    """Switch the diary on and store one spot: two photos of one day, and a later one in which it has this radius."""
    wait_until(page, "performance.getEntriesByName('usable').length")
    taken = [
        ("2026-03-02", photo(1, View())),
        ("2026-03-02", photo(1, View(angle=8, x=0.02), noise=1)),
        ("2026-06-02", photo(1, View(angle=-15, scale=1.05, y=0.03), radius=radius, noise=2)),
    ]
    page.evaluate(_FILL, {"photos": taken, "side": SIDE, "prediction": answer(0.62, "malignant")["prediction"]})


_FILL_1 = """async ({ spots, photos, side }) => {
    localStorage.setItem("diary", "on");
    const database = await new Promise((resolve, reject) => {
        const opening = indexedDB.open("diary", 1);
        opening.onupgradeneeded = () => {
            opening.result.createObjectStore("spots", { keyPath: "id" });
            opening.result.createObjectStore("photos", { keyPath: "id" }).createIndex("spot", "spot");
        };
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
    });
    // The grain of skin, so that the files are as large as photos.
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d");
    const grain = context.createImageData(side, side);
    for (let at = 0; at < grain.data.length; at++) grain.data[at] = at % 4 === 3 ? 255 : 150 + 40 * Math.random();
    const day = 86_400_000;
    for (let number = 0; number < spots; number++) {
        const texts = { site: "front.chest.left", since: "", note: `Spot ${number}` };
        const spot = { id: crypto.randomUUID(), ...texts, created: number, changed: 1 };
        const records = [];
        for (let each = 0; each < photos / spots; each++) {
            context.putImageData(grain, 0, 0);
            context.fillRect((each * 7) % side, (each * 13) % side, side / 9, side / 9);
            const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
            const date = new Date(Date.UTC(2026, 0, 1) - each * day).toISOString().slice(0, 10);
            const details = { date, note: `Photo ${each}`, result: null, created: each, changed: 1 };
            records.push({ id: crypto.randomUUID(), spot: spot.id, ...details, blob });
        }
        const change = database.transaction(["spots", "photos"], "readwrite");
        change.objectStore("spots").put(spot);
        for (const record of records) change.objectStore("photos").put(record);
        await new Promise((resolve) => (change.oncomplete = resolve));
    }
    database.close();
}"""


def fill_version_1(page: Page, *, spots: int, photos: int, side: int) -> None:
    """Store a diary as the first version of the page did, without its modules, and reload the page.

    Args:
        page: any page of the site.
        spots: number of them, with equally many photos.
        photos: number of them in all; the later one is added, the earlier is its date.
        side: of the photos, in pixels.
    """
    page.evaluate(_FILL_1, {"spots": spots, "photos": photos, "side": side})
    page.reload()
