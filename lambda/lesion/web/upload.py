"""Extract the uploaded images from a request's body: counted while it arrives, held in memory, never written to disk.

Starlette's own form parser spools files above 1 MiB to the temporary folder. This service promises to store no image, so
it parses forms here, with the tokenizer that Starlette uses too (python-multipart).
"""

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from lesion.errors import InvalidRequest, MissingFile, TooLarge, TooManyImages
from lesion.inference.messages import image_label

if TYPE_CHECKING:
    from starlette.requests import Request

FORM_FIELD = "file"
"""Name of the form fields that hold the images."""
MAX_IMAGES = 5
"""Images of one lesion in one request."""
MAX_PARTS = 12
"""Parts of a form: the images, and a few further fields that are ignored."""
MAX_FORM_OVERHEAD = 16_384
"""Bytes that a form may have besides its images: boundaries, part headers, further fields."""

_MISSING = f"No image came with the request. Send it as the form field {FORM_FIELD}, or as the body itself."
_MALFORMED = f"The form is malformed. Send multipart/form-data with the image as {FORM_FIELD}, or the image as the body."
_RESEND = "Leave it out, or choose it again."


async def read_upload(request: "Request", limit: int) -> tuple[bytes, ...]:
    """Return the images of a request: the form fields `file`, or the whole body if the body is not a form.

    Args:
        request: its body has not been read yet.
        limit: largest size of all images together in bytes.

    Returns:
        One to `MAX_IMAGES` images, none of them empty, in the order of the form.

    Raises:
        MissingFile: there is no image, or one of them is empty.
        TooManyImages: there are more than `MAX_IMAGES`.
        TooLarge: the images have more than `limit` bytes, as announced or as counted.
        InvalidRequest: the form is malformed or truncated, or has too many parts.
    """
    boundary = _boundary(request.headers.get("content-type"))
    return _extract(await _read_body(request, _max_body(boundary, limit), limit), boundary, limit)


def extract_upload(body: bytes, content_type: str | None, limit: int) -> tuple[bytes, ...]:
    """Return the images in a body that has arrived completely, as `read_upload` does.

    Args:
        body: of the request.
        content_type: value of the header, or None.
        limit: largest size of all images together in bytes.

    Raises:
        RequestError: as `read_upload` does.
    """
    boundary = _boundary(content_type)
    if len(body) > _max_body(boundary, limit):
        raise _too_large(limit)
    return _extract(body, boundary, limit)


def _boundary(content_type: str | None) -> bytes | None:
    """Return the boundary of a form, or None if the body is not a form and therefore the image itself."""
    try:
        kind, options = parse_options_header(content_type)
    except UnicodeError as error:
        # A header in an event may have characters that cannot occur in HTTP.
        raise InvalidRequest(_MALFORMED) from error
    if not kind.startswith(b"multipart/"):
        # Any other content type is ignored: the format is decided by the bytes.
        return None
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequest(_MALFORMED)
    return boundary


def _max_body(boundary: bytes | None, limit: int) -> int:
    return limit if boundary is None else limit + MAX_FORM_OVERHEAD


async def _read_body(request: "Request", max_bytes: int, limit: int) -> bytes:
    # Imported here: the fast path does without Starlette.
    from starlette.requests import ClientDisconnect

    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(limit)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(limit)
    except ClientDisconnect as error:
        raise InvalidRequest("The upload stopped before its end. Send it again.") from error
    return bytes(body)


def _extract(body: bytes, boundary: bytes | None, limit: int) -> tuple[bytes, ...]:
    images = (body,) if boundary is None else _parse_form(body, boundary, limit)
    for number, image in enumerate(images, 1):
        if not image:
            raise MissingFile(_MISSING if len(images) == 1 else f"{image_label(number, len(images))} is empty. {_RESEND}")
    if not images:
        raise MissingFile(_MISSING)
    return images


def _parse_form(body: bytes, boundary: bytes, limit: int) -> tuple[bytes, ...]:
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]  # a dict of bound methods
        parser.write(body)
    except FormParserError as error:
        raise InvalidRequest(_MALFORMED) from error
    # The tokenizer accepts a truncated body, and a truncated image must not be classified.
    if not form.ended:
        raise InvalidRequest("The form stops before its closing boundary. Send it again.")
    if sum(map(len, form.images)) > limit:
        raise _too_large(limit)
    return tuple(map(bytes, form.images))


class _Form:
    """Callbacks of the tokenizer that keep the parts named `FORM_FIELD` and count the parts."""

    def __init__(self) -> None:
        self.images: list[bytearray] = []
        self.ended = False
        self._parts = 0
        self._is_image = False
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts. Send images in the field {FORM_FIELD}.")
        self._disposition = b""
        self._is_image = False

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        # The file's name is ignored: it may be personal, and the format is decided by the bytes.
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._is_image = options.get(b"name") == FORM_FIELD.encode()
        if self._is_image:
            if len(self.images) == MAX_IMAGES:
                raise TooManyImages(f"The form has more than {MAX_IMAGES} images. Send at most {MAX_IMAGES} of one lesion.")
            self.images.append(bytearray())

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_image:
            self.images[-1] += data[start:end]

    def _on_end(self) -> None:
        self.ended = True


def _too_large(limit: int) -> TooLarge:
    # The number of images is unknown where the length alone decides.
    return TooLarge(
        f"The upload has more than {limit / 1_000_000:.1f} MB ({limit} bytes), which is the limit of this service for all "
        "images of a request together. Save the image smaller, or as JPEG, and send it again."
    )
