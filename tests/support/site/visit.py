"""Images, window sizes, scripts and helpers for tests that visit the page."""

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from python_multipart.multipart import parse_options_header

from tests.support.paths import SAMPLES
from tests.support.site.service import CARD, answer

IMAGE = SAMPLES / "ISIC_0000026.jpg"


HEADINGS = {
    "high": "Show this spot to a doctor this week",
    "above": "Show this spot to a doctor within two weeks",
    "uncertain_above": "Uncertain: show this spot to a doctor within two weeks",
    "uncertain_below": "Uncertain: show this spot to a doctor in the next few weeks",
    "below": "This does not rule out skin cancer: look at the spot again every month",
    "refused": "This photo could not be analysed",
}
"""Heading of each kind of result."""
STATUSES = re.compile("|".join(f"^{heading}$" for heading in HEADINGS.values()))
ROW_STATUSES = re.compile(r"^(Above|Below|Uncertain, (above|below)) the threshold$|^Could not be analysed$")
"""Short form of the headings, in tables."""


# Counts what moves while nobody touched anything.
LAYOUT_SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shifted += entry.value)))
        .observe({ type: "layout-shift", buffered: true });
"""


def open_about(page: Page, card: Mapping[str, Any]) -> None:
    """Open the About view of a model with this card, and wait for its figures."""
    page.route("**/api/model", lambda route: route.fulfill(json=card))
    page.locator("#about-open").click()
    expect(page.locator("#test-figures table").first).to_be_attached()


def unfold(page: Page) -> None:
    """Show the options that are folded away on a phone."""
    unfolds = "(folds) => folds.forEach((fold) => fold.setAttribute('aria-expanded', 'true'))"
    page.locator("button.fold").evaluate_all(unfolds)


def set_views(page: Page, views: int) -> None:
    """Select the number of views, 1 or 8, among the expert settings."""
    unfold(page)
    page.locator("#expert").evaluate("(details) => { details.open = true; }")
    page.locator("#one-view").set_checked(views == 1)


def open_experts(page: Page) -> None:
    """Open the part of a result that is for experts."""
    expect(page.locator("#answer")).to_be_visible()
    page.locator("#experts").evaluate("(details) => { details.open = true; }")


def answer_file(page: Page, image: Path) -> None:
    """Answer in the service's place about a file."""
    page.route("**/api/model", lambda route: route.fulfill(json=CARD))
    page.route("**/api/classify**", lambda route: route.fulfill(json=answer(0.62, "malignant")))
    page.set_input_files("#file", image)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#map")).to_be_visible()


IMAGES = [SAMPLES / f"ISIC_{number}.jpg" for number in ("0000026", "0010021", "0000345", "0010587")]


UPLOAD_LIMIT = 4_500_000


PHONE, DESKTOP = (390, 844), (1280, 900)


SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desk"])


# Keeps what the page asked of its camera, and lets a test say what the browser answers.
CAMERA_RECORDER = """
    window.streams = [];
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (window.refusal) throw new DOMException("", window.refusal);
        await window.delay;
        const stream = await open(wanted);
        window.wanted = wanted;
        window.streams.push(stream);
        return stream;
    };
"""


def form_files(route: Route) -> list[bytes]:
    """Return the files of the form that the page sends."""
    boundary = parse_options_header(route.request.headers["content-type"])[1][b"boundary"]
    parts = (route.request.post_data_buffer or b"").split(b"--" + boundary)[1:-1]
    return [part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for part in parts]


def record_uploads(page: Page) -> list[bytes]:
    """Fills with the images that the page sends from here on."""
    images: list[bytes] = []

    def keep(route: Route) -> None:
        images.append(form_files(route)[0])
        route.continue_()

    page.route(lambda url: "/api/classify" in url and "sample" not in url, keep)
    return images


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def corner_colours(data: bytes) -> tuple[int, list[str]]:
    """Side of a square image, and the nearest plain colours in its corners."""
    plain = {"red": (255, 0, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "green": (0, 128, 0)}
    with Image.open(BytesIO(data)) as image:
        assert image.width == image.height
        assert image.format == "JPEG" and not image.getexif()
        last = image.width - 5
        pixels = [image.convert("RGB").getpixel(at) for at in ((4, 4), (last, 4), (4, last), (last, last))]

    def name(pixel: Any) -> str:
        return min(plain, key=lambda each: sum((one - other) ** 2 for one, other in zip(plain[each], pixel, strict=True)))

    return image.width, [name(pixel) for pixel in pixels]


def table_names(page: Page) -> list[str]:
    """Names in the order of the table."""
    return page.locator("#queue-rows .name").all_inner_texts()


def short_answer(probability: float, refusal: str | None = None) -> dict[str, Any]:
    """An answer of the contract, or a refusal."""
    prediction = {
        "decision": "above_threshold" if probability >= 0.3 else "below_threshold",
        "malignant_probability": probability,
        "threshold": 0.3,
        "prediction_set": ["malignant" if probability >= 0.3 else "benign"],
        "logit": 0.5,
        "classes": [
            {"code": "melanoma" if probability >= 0.5 else "nevus", "malignant": probability >= 0.5, "probability": 0.9},
        ],
    }
    return {
        "status": "refused" if refusal else "ok",
        "refusal": {"code": refusal, "message": "Said by its code."} if refusal else None,
        "prediction": None if refusal else prediction,
        "evidence": None,
        "image": {
            "width": 1504,
            "height": 1129,
            "format": "JPEG",
            "type": "dermoscopic",
            "type_source": "assumed",
            "type_probability": None,
        },
        "images": None,
        "agreement": None,
        "model": {"version": "7", "sha256": "ab" * 32},
        "timing_ms": {"decode": 6.1, "infer": 9.0, "total": 15.9},
        "disclaimer": "Research demonstration.",
    }


def answer_in_turn(page: Page, *answers: dict[str, Any] | int) -> None:
    """Answer in the service's place: one after the other; a number is the status of a failure."""
    left = list(answers)

    def next_one(route: Route) -> None:
        body = left.pop(0)
        if isinstance(body, int):
            route.fulfill(status=body, json={"message": "no"})
        else:
            route.fulfill(json=body)

    page.route("**/api/classify**", next_one)


def named_files(*names: str) -> list[Any]:
    """Images under these names."""
    return [{"name": name, "mimeType": "image/jpeg", "buffer": IMAGES[0].read_bytes()} for name in names]
