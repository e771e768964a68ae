"""Properties of decoding, form parsing and events, tested by hypothesis from a fixed seed.

The inputs are nearly valid, because anything else is refused after its first bytes.
"""

import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lesion.errors import RequestError
from lesion.imaging.decode import MAX_PIXELS, decode
from lesion.imaging.formats import FORMATS
from lesion.web.upload import FORM_FIELD, MAX_IMAGES, MAX_PARTS, extract_upload
from starlette.testclient import TestClient

from tests.hostile.cases.crafted_files import bmp, chunk, gif, gradient, jpeg, segment, tiff, with_size
from tests.hostile.fuzz import with_checksums
from tests.support.image_files import encode
from tests.support.literal_events import Handler, event

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::DeprecationWarning:PIL")

bounded = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

SMALL = tuple(
    encode(gradient(mode, (24, 16)), name)
    for name, mode in (
        ("JPEG", "RGB"),
        ("PNG", "P"),
        ("WebP", "RGB"),
        ("TIFF", "RGB"),
        ("BMP", "P"),
        ("GIF", "P"),
        ("AVIF", "RGB"),
    )
)
BYTE, WORD, LONG = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
SIDE = st.integers(0, 70_000)


def decoded(data: bytes) -> tuple[int, int] | None:
    """Return width and height, or None if the image is refused; any other exception fails the test."""
    try:
        photo = decode(data)
    except RequestError:
        return None
    assert photo.pixels.ndim == 3 and photo.pixels.shape[2] == 3 and photo.pixels.size
    assert photo.format in FORMATS
    assert 0 < photo.width * photo.height <= MAX_PIXELS
    return photo.width, photo.height


@bounded
@given(st.sampled_from(SMALL), st.lists(st.tuples(st.integers(0, 400), BYTE), min_size=1, max_size=6), st.integers(0, 40))
def test_corrupt_header_is_decoded_or_refused(data: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(data)
    for place, value in changes:
        changed[place % len(changed)] = value
    decoded(with_checksums(bytes(changed[: len(changed) - cut])))


@bounded
@given(SIDE, SIDE, BYTE, BYTE, st.binary(max_size=300), st.binary(max_size=8), st.binary(max_size=60))
def test_any_png_header_is_decoded_or_refused(
    width: int, height: int, depth: int, colour: int, rows: bytes, kind: bytes, extra: bytes
) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    more = chunk(kind.ljust(4, b"a")[:4], extra)
    data = b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    size = decoded(data)
    assert size in (None, (width, height), (height, width))


@bounded
@given(st.integers(0, 3000), st.integers(-3000, 3000), WORD, st.integers(0, 9), st.binary(max_size=300))
def test_any_bmp_header_is_decoded_or_refused(width: int, height: int, bits: int, compression: int, body: bytes) -> None:
    data = bmp(width, height, bits % 40, compression, body)
    assert decoded(data) in (None, (width, abs(height)))


@bounded
@given(
    st.lists(st.tuples(st.integers(250, 350), st.integers(0, 14), st.integers(0, 9), LONG), max_size=20),
    st.binary(max_size=99),
)
def test_any_tiff_directory_is_decoded_or_refused(entries: list[tuple[int, int, int, int]], rest: bytes) -> None:
    usual = [(256, 4, 1, 8), (257, 4, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 64)]
    decoded(tiff(sorted([*entries, *usual], key=lambda entry: entry[0]), rest + bytes(64)))


@bounded
@given(SIDE.filter(lambda side: side < 65_536), SIDE.filter(lambda side: side < 65_536), st.binary(max_size=200))
def test_any_gif_or_jpeg_size_is_decoded_or_refused(width: int, height: int, body: bytes) -> None:
    if width * height > 2_000_000:
        # Larger ones are among the cases.
        width, height = width % 1000, height % 1000
    assert decoded(gif(width, height, body)) in (None, (width, height))
    assert decoded(with_size(jpeg(), width, height)) in (None, (width, height))


@bounded
@given(st.lists(st.tuples(st.sampled_from([*range(0xC0, 0xD0), *range(0xD8, 0xFF)]), st.binary(max_size=40)), max_size=8))
def test_any_jpeg_segments_are_decoded_or_refused(segments: list[tuple[int, bytes]]) -> None:
    size = decoded(jpeg(b"".join(segment(marker, content) for marker, content in segments)))
    assert size is None or size[0] * size[1] > 0


FORM_OF_EDGE = {"content-type": "multipart/form-data; boundary=edge"}
NAMES = st.one_of(st.just(FORM_FIELD), st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=9))
PARTS = st.lists(st.tuples(NAMES, st.binary(max_size=60)), max_size=MAX_PARTS + 2)
DISPOSITIONS = st.sampled_from(
    [
        'form-data; name="file"',
        'form-data; name="file"; filename=""',
        'form-data; name="file"; filename="a.jpg"',
        "form-data; name=file; filename*=utf-8''%e2%82",
        'form-data; name="file"; name="file"',
        'form-data; name="file"; filename="a\\"; name=\\"other.jpg"',
        'attachment; name="file"',
        'FORM-DATA; NAME="file"',
        "form-data; name*=utf-8''file",
        'form-data; name="file',
        'form-data; filename="file"',
        "form-data",
        "",
    ]
)


def body(parts: list[tuple[str, bytes]], boundary: str) -> bytes:
    framed = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content + b"\r\n"
        for name, content in parts
    ]
    return b"".join(framed) + f"--{boundary}--\r\n".encode()


@bounded
@given(
    PARTS, st.text(st.sampled_from("abcXYZ019'()+_,-./:=?"), min_size=1, max_size=70).filter(lambda text: text[-1] != " ")
)
def test_form_yields_exactly_its_images(parts: list[tuple[str, bytes]], boundary: str) -> None:
    images = [content for name, content in parts if name == FORM_FIELD]
    if any(f"--{boundary}".encode() in content + b"\r\n" for _, content in parts):
        return
    sent = body(parts, boundary)
    if 1 <= len(images) <= MAX_IMAGES and all(images) and len(parts) <= MAX_PARTS:
        assert extract_upload(sent, f'multipart/form-data; boundary="{boundary}"', 10_000) == tuple(images)
    else:
        with pytest.raises(RequestError):
            extract_upload(sent, f'multipart/form-data; boundary="{boundary}"', 10_000)


@bounded
@given(st.lists(st.tuples(DISPOSITIONS, st.binary(max_size=20)), max_size=MAX_IMAGES + 2), st.sampled_from([30, 10_000]))
def test_parts_with_unusual_headers_are_images_or_refused(parts: list[tuple[str, bytes]], limit: int) -> None:
    """Equal, missing, repeated or truncated names: at most five images come out, none empty, in the order of the form."""
    framed = [f"--edge\r\nContent-Disposition: {head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts]
    try:
        images = extract_upload(b"".join(framed) + b"--edge--\r\n", "multipart/form-data; boundary=edge", limit)
    except RequestError as error:
        assert error.code in ("invalid_request", "missing_file", "too_large", "too_many_images")
        return
    assert 1 <= len(images) <= MAX_IMAGES and all(images) and sum(map(len, images)) <= limit
    remaining = iter([data for _, data in parts])
    assert all(any(image == data for data in remaining) for image in images)


@bounded
@given(st.lists(st.sampled_from([*SMALL, b"", b"text", SMALL[0][:99]]), min_size=2, max_size=MAX_IMAGES + 1))
def test_any_images_of_a_lesion_are_answered(client: TestClient, images: list[bytes]) -> None:
    response = client.post("/api/classify", content=body([("file", data) for data in images], "edge"), headers=FORM_OF_EDGE)
    answer = response.json()
    if response.status_code == 200:
        assert len(answer["images"]) == len(images) <= MAX_IMAGES and not set(images) - set(SMALL)
    else:
        assert response.status_code in (400, 415, 422)
        assert answer["code"] == "too_many_images" or answer["detail"].startswith("Image ")


@bounded
@given(st.text(max_size=120), st.binary(max_size=200))
def test_any_content_type_is_a_form_or_an_image(kind: str, data: bytes) -> None:
    try:
        assert extract_upload(data, kind, 10_000)
    except RequestError as error:
        assert error.status in (400, 413, 422)


@bounded
@given(PARTS, st.lists(st.tuples(st.integers(0, 2000), BYTE), max_size=5), st.integers(0, 30))
def test_corrupt_form_is_parsed_or_refused(parts: list[tuple[str, bytes]], changes: list[tuple[int, int]], cut: int) -> None:
    sent = bytearray(body(parts, "edge"))
    for place, value in changes:
        sent[place % len(sent)] = value
    try:
        assert extract_upload(bytes(sent[: len(sent) - cut]), "multipart/form-data; boundary=edge", 10_000)
    except RequestError as error:
        assert error.status in (400, 413, 422)


def assert_answered(answer: Any) -> None:
    """Assert that the answer is a classification or a problem, and no server error."""
    assert answer["statusCode"] in (200, 400, 403, 404, 405, 413, 415, 422), answer
    if answer["statusCode"] != 200:
        assert set(json.loads(answer["body"])) == {"type", "title", "status", "detail", "code"}


@bounded
@given(st.text(max_size=200), st.booleans())
def test_any_event_body_is_answered(handler: Handler, text: str, encoded: bool) -> None:
    assert_answered(handler({**event("v2-body"), "body": text, "isBase64Encoded": encoded}, None))


QUERY = st.text(st.sampled_from("views=18&evidence=truefalse%00+#;/.\u00e9"), max_size=60)


@bounded
@given(QUERY)
def test_any_event_query_is_answered(handler: Handler, query: str) -> None:
    assert_answered(handler({**event("v2-body"), "rawQueryString": query}, None))


@bounded
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=5))
def test_any_event_headers_are_answered(handler: Handler, headers: dict[str, str]) -> None:
    assert_answered(handler({**event("v2-body"), "headers": headers}, None))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@bounded
@given(JSON)
def test_json_is_an_unsupported_format(client: TestClient, value: Any) -> None:
    response = client.post("/api/classify", content=json.dumps(value), headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_format")


@bounded
@given(st.sampled_from(["v2-body", "v2-form", "v1-form", "v2-ping"]), st.data())
def test_event_with_any_changed_member_is_answered(handler: Handler, name: str, data: st.DataObject) -> None:
    sent = event(name)
    inside = data.draw(st.booleans())
    where = sent["requestContext"] if inside else sent
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JSON)
    answer = handler(sent, None)
    if answer.get("status") != "warm":
        assert_answered(answer)
