"""A diary with one spot, written into the browser's storage."""

from playwright.sync_api import Page

from tests.support.site.service import answer
from tests.support.site.skin import SIDE, View, photo

_FILL = """async ({ photos, side, prediction }) => {
    const store = await import("/js/diary/store.js");
    const { switchDiary } = await import("/js/diary/switch-state.js");
    switchDiary(true);
    const both = { note: "Back of the arm", created: 1, changed: 1 };
    const spot = { id: crypto.randomUUID(), site: "back.lower_back.right", since: "May", ...both };
    await store.saveSpot(spot);
    for (const [index, [date, text]] of photos.entries()) {
        const data = Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
        const canvas = new OffscreenCanvas(side, side);
        canvas.getContext("2d").putImageData(new ImageData(data, side, side), 0, 0);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
        const kinds = { type: "clinical", typeSource: "detected" };
        const model = { prior: 0.25, views: 8, model: "7" };
        const result = { prediction, refusal: null, agreement: null, ...kinds, ...model, concerns: ["border"] };
        await store.savePhoto({ id: crypto.randomUUID(), spot: spot.id, date, ...both, created: index, result, blob });
    }
}"""


def fill_diary(page: Page, radius: float = 0.16) -> None:
    """Switch the diary on and store one spot: two photos of one day, and a later one in which it has this radius."""
    page.wait_for_function("performance.getEntriesByName('usable').length")
    taken = [
        ("2026-03-02", photo(1, View())),
        ("2026-03-02", photo(1, View(angle=8, x=0.02), noise=1)),
        ("2026-06-02", photo(1, View(angle=-15, scale=1.05, y=0.03), radius=radius, noise=2)),
    ]
    page.evaluate(_FILL, {"photos": taken, "side": SIDE, "prediction": answer(0.62, "malignant")["prediction"]})
