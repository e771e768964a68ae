"""Private mode: the browser answers as the service does, without telling anybody, and without a network."""

import io
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from lesion.imaging.decode import decode
from lesion.inference.card import ImageType
from lesion.inference.classify import classify
from lesion.inference.model import Model
from lesion.inference.schemas import to_json
from lesion.settings import Settings
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from infra.packaging.bundle import classification_data
from tests.support.paths import PHONE_IMAGES, REPOSITORY, SAMPLES
from tests.support.site.private_mode import decided, difference, here, there
from tests.support.stand_in_model import build

# Private mode downloads and compiles the model; `test_offline.py` has one visit with it in the quick selection.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One visitor of this module's tests, who downloads once."""
    context = browser.new_context(reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture(scope="module")
def page(context: BrowserContext, base_url: str) -> Page:
    page = context.new_page()
    page.goto(base_url)
    return page


ROUNDING = 0.08
"""Of a logit. WebAssembly has no fused multiply-add, so that a number may become the other of two bytes. Of the tested
photographs and model 2.2.0, 0.057 is the most; one cell of the map differs by more."""
ROUNDING_OF_PROBABILITY = 0.0125
"""As docs/page.md says."""


def png(pixels: "np.ndarray[Any, Any]") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def images() -> dict[str, "np.ndarray[Any, Any]"]:
    """Pixels that are the same for everybody, from all sides of the limits."""
    lesion = Image.open(SAMPLES / "ISIC_0000026.jpg").convert("RGB").resize((440, 330))
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3))
    return {
        "a lesion": np.asarray(lesion),
        "another": np.asarray(Image.open(SAMPLES / "ISIC_0010021.jpg").convert("RGB").resize((600, 450))),
        "upright": np.asarray(lesion.rotate(90, expand=True)),
        "too dark": np.asarray(lesion) // 40,
        "too small": np.asarray(lesion.resize((40, 30))),
        "no lesion": noise,
        "nothing": np.full((256, 256, 3), 128),
    }


@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize("name", images())
def test_equal_pixels_have_equal_answer(page: Page, base_url: str, name: str, views: int) -> None:
    """Equal pixels have the answer of the service."""
    image_bytes = png(images()[name])
    ours, theirs = here(page, image_bytes, views), there(base_url, image_bytes, views)
    assert list(ours) == list(theirs)
    assert decided(ours) == decided(theirs)
    assert (ours["evidence"] is None) == (theirs["evidence"] is None)
    if theirs["prediction"] is None:
        return
    assert list(ours["prediction"]) == list(theirs["prediction"])
    for number, gap in (("malignant_probability", ROUNDING_OF_PROBABILITY), ("logit", ROUNDING)):
        assert ours["prediction"][number] == pytest.approx(theirs["prediction"][number], abs=gap)
    assert {entry["code"]: entry["probability"] for entry in ours["prediction"]["classes"]} == pytest.approx(
        {entry["code"]: entry["probability"] for entry in theirs["prediction"]["classes"]}, abs=ROUNDING_OF_PROBABILITY
    )
    parts = [entry["probability"] for entry in ours["prediction"]["classes"]]
    assert parts == sorted(parts, reverse=True)
    cells = [np.asarray(answer["evidence"]["values"]) for answer in (ours, theirs)]
    assert cells[0] == pytest.approx(cells[1], abs=10 * ROUNDING)


def test_shortest_decimal_matches_service(page: Page) -> None:
    """Numbers are as short as those of the service."""
    values = np.random.default_rng(2).normal(0, 1, 2000).astype(np.float32)
    values = np.concatenate([values, values * np.float32(1e-9), np.array([0, 0.1, 0.48, 1, 16777216, 1e-38], np.float32)])
    ours = page.evaluate(
        """async (values) => {
            const { shortestDecimal } = await import("/js/private/decision.js");
            return values.map(shortestDecimal);
        }""",
        [float(value) for value in values],
    )
    assert ours == [float(str(value)) for value in values]


@pytest.mark.parametrize("size", [(901, 903), (1400, 900), (3001, 2003)])
def test_decode_averages_like_service(page: Page, size: tuple[int, int]) -> None:
    """A large image is averaged like in the service."""
    smooth = Image.fromarray(np.random.default_rng(3).integers(0, 255, (30, 40, 3)).astype(np.uint8)).resize(size)
    buffer = io.BytesIO()
    smooth.save(buffer, "PNG")
    at_least = 448
    ours = page.evaluate(
        """async ([data, minSide]) => {
            const { decode } = await import("/js/private/decode.js");
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            const decoded = await decode(new Blob([bytes]), { minSide, maxPixels: 1e9 }, () => Promise.reject());
            const sum = decoded.pixels.reduce((sum, value) => sum + value, 0);
            return { ...decoded, pixels: [...decoded.pixels.slice(0, 3000)], sum };
        }""",
        [b64encode(buffer.getvalue()).decode(), at_least],
    )
    theirs = decode(buffer.getvalue(), at_least=at_least).pixels
    assert (ours["rows"], ours["columns"], ours["format"]) == (*theirs.shape[:2], "PNG")
    assert (ours["width"], ours["height"]) == size
    assert ours["pixels"] == pytest.approx(theirs.reshape(-1)[:3000].tolist(), abs=1)
    assert ours["sum"] == pytest.approx(int(theirs.astype(np.int64).sum()), rel=1e-4)


RUN_MODEL = """async ([model, decision, images, views, imageType]) => {
    const { listDownloads } = await import("/js/private/downloads.js");
    const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const { runtime, engine, heic } = await listDownloads();
    const packed = (await fetch(runtime.url)).body.pipeThrough(new DecompressionStream("gzip"));
    const worker = new Worker("/js/private/inference-worker.js", { type: "module" });
    const reply = () => new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
    const start = { runtime: await new Response(packed).arrayBuffer(), engine: engine.url, heic: heic.url };
    worker.postMessage({ model: bytes(model).buffer, decision, ...start });
    const answers = [await reply()];
    for (const image of images) {
        worker.postMessage({ id: 0, file: new Blob([bytes(image)]), views, imageType });
        answers.push((await reply()).answer);
    }
    worker.terminate();
    return answers;
}"""


BOTH: tuple[ImageType, ImageType] = ("dermoscopic", "clinical")


@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize(
    ("image_types", "given"),
    [(BOTH, None), (BOTH, "clinical"), (BOTH, "dermoscopic"), (("clinical",), None), (("dermoscopic",), "dermoscopic")],
)
def test_model_of_format_2_matches_service(
    page: Page, tmp_path: Path, image_types: tuple[str, ...], given: ImageType | None, views: int
) -> None:
    """The worker detects the image type or uses the given one, and applies the operating point of type and views."""
    path = build(tmp_path / "m.onnx", image_types=image_types)
    model = Model(path)
    # Blue is the stand-in's probability of a clinical image. The darkest are refused, earlier as dermoscopic ones.
    colours = [(red, 4, blue) for red in (2, 8, 25, 32, 60) for blue in (0, 2, 51, 127, 128, 150)]
    files = [png(np.full((64, 64, 3), colour)) for colour in colours]
    encoded = [b64encode(data).decode() for data in (path.read_bytes(), *files)]
    started, *ours = page.evaluate(RUN_MODEL, [encoded[0], classification_data(path), encoded[1:], views, given or "auto"])
    assert started == {"isStarted": True}
    theirs = [json.loads(to_json(classify(data, model, views=views, image_type=given))) for data in files]
    # WebAssembly may round the last digit otherwise.
    shares = [[answer["image"].pop("type_probability") for answer in answers] for answers in (ours, theirs)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-6)
    assert [decided(answer) for answer in ours] == [decided(answer) for answer in theirs]
    assert {answer["image"]["type"] for answer in ours} == ({given} if given else set(image_types))
    assert len({answer["status"] for answer in ours}) == 2
    for one, other in zip(ours, theirs, strict=True):
        if one["prediction"]:
            expected = other["prediction"]["malignant_probability"]
            assert one["prediction"]["malignant_probability"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("where", ["device", "service"])
def test_eight_views_ignore_rotation(page: Page, base_url: str, where: str) -> None:
    """Turning the phone does not change the decision of eight views, on this device or by the service."""
    lesion = np.asarray(Image.open(SAMPLES / "ISIC_0010021.jpg").convert("RGB").resize((448, 448)))
    rotated = [png(np.rot90(lesion, quarters)) for quarters in range(4)]
    answers = [here(page, data, 8) if where == "device" else there(base_url, data, 8) for data in rotated]
    assert len({json.dumps(decided(answer)) for answer in answers}) == 1
    shares = [answer["prediction"]["malignant_probability"] for answer in answers]
    # The same eight views in another order; the 8-bit network rounds each of them a little differently.
    assert max(shares) - min(shares) < 0.005


def test_chosen_type_is_used_on_the_device(page: Page) -> None:
    """A chosen type replaces the detected one, as by the service."""
    image = here(page, png(images()["a lesion"]), image_type="clinical")["image"]
    assert (image["type"], image["type_source"]) == ("clinical", "given")


def test_decision_matches_service_for_photographs(page: Page, base_url: str, photographs: list[Path]) -> None:
    """Decision, image type and refusal are the service's, except next to a limit, because decoders differ a little.

    `tests.benchmarks.private_mode` compares all images; this is a fixed sample of them.
    """
    card = Model(Settings.model).card
    views = httpx2.get(f"{base_url}/api/config").json()["default_views"]
    found = {}
    for path in photographs:
        image_bytes = path.read_bytes()
        found[path.stem] = difference(here(page, image_bytes, views), there(base_url, image_bytes, views), card, views)
    differing = {name: each for name, each in found.items() if each}
    assert {name: each for name, each in differing.items() if not each.is_excused} == {}
    assert len(differing) <= len(photographs) / 10


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_decode_applies_exif_orientation(page: Page, base_url: str, orientation: int) -> None:
    """A rotated image is decoded upright."""
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[274] = orientation
    Image.fromarray(images()["another"]).save(buffer, "JPEG", quality=95, exif=exif)
    ours, theirs = here(page, buffer.getvalue()), there(base_url, buffer.getvalue())
    assert decided(ours) == decided(theirs)
    assert ours["prediction"]["logit"] == pytest.approx(theirs["prediction"]["logit"], abs=ROUNDING)


def test_decode_reads_large_image_in_strips(page: Page, base_url: str) -> None:
    """An image of 48 megapixels does not need a canvas of its size."""
    buffer = io.BytesIO()
    Image.fromarray(images()["another"]).resize((8000, 6000)).save(buffer, "JPEG", quality=60)
    ours, theirs = here(page, buffer.getvalue()), there(base_url, buffer.getvalue())
    assert decided(ours) == decided(theirs)
    assert (ours["image"]["width"], ours["image"]["height"], ours["image"]["format"]) == (8000, 6000, "JPEG")


def test_decode_rejects_too_many_pixels(page: Page) -> None:
    """More pixels than the service accepts are rejected."""
    buffer = io.BytesIO()
    Image.new("L", (10_000, 5_001)).save(buffer, "PNG")
    assert here(page, buffer.getvalue()) == "problems.too_many_pixels"


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    """Return every 4th camera original and every 40th smartphone photo of ../shared/data, else the sample images."""
    shared = REPOSITORY.parent / "shared" / "data"
    if not shared.is_dir():
        return sorted(SAMPLES.glob("*.jpg"))
    steps = {"originals": 4, "clinical/images": 40}
    return [path for folder, step in steps.items() for path in sorted((shared / folder).glob("*.jpg"))[::step]]


@pytest.mark.parametrize("name", ["ISIC_0000026.heic", "ISIC_0000026-turned.heic"])
def test_decode_reads_heic(page: Page, base_url: str, name: str) -> None:
    """HEIC is decoded when the browser does not support it."""
    image_bytes = (PHONE_IMAGES / name).read_bytes()
    ours, theirs = here(page, image_bytes), there(base_url, image_bytes)
    assert decided(ours) == decided(theirs)


@pytest.mark.parametrize(
    ("image_bytes", "sentence"),
    [
        (b"not a image", "unsupported_format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "invalid_image"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "cannot_open"),
        (b"II*\0" + bytes(100), "cannot_open"),
    ],
)
def test_decode_failure_names_its_message(page: Page, image_bytes: bytes, sentence: str) -> None:
    """A file that cannot be decoded names its message."""
    assert here(page, image_bytes) == f"problems.{sentence}"
