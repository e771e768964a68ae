"""The photograph out of a request's body: counted while it arrives, held in memory, never written to disk.

Starlette's own form parser spools files above 1 MiB to the temporary folder. This service promises that no photograph
is kept, so forms are read here, with the same tokenizer underneath (python-multipart).
"""

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from lesion.errors import InvalidRequest, MissingFile, TooLarge

if TYPE_CHECKING:
    from starlette.requests import Request

FIELD = "file"
"""Name of the form's field that holds the photograph."""
MAX_PARTS = 8
"""A form has one photograph; a few more fields are let pass and ignored."""
FRAMING = 16_384
"""Bytes that a form may have beyond its photograph: boundaries, part headers, other fields."""

_EMPTY = f"No photograph came with the request. Send it as the form field {FIELD}, or as the body itself."
_BROKEN = f"The form cannot be read. Send multipart/form-data with the photograph as {FIELD}, or the photograph as the body."


async def read_upload(request: "Request", limit: int) -> bytes:
    """The photograph in a request: the form field `file`, or the whole body where the body is not a form.

    Args:
        request: not read before.
        limit: bytes that the photograph may have.

    Raises:
        MissingFile: no photograph, or an empty one.
        TooLarge: more than `limit` bytes, as announced or as counted.
        InvalidRequest: a form that does not follow its format, has too many parts or two photographs, or stops halfway.
    """
    boundary = _boundary(request.headers.get("content-type"))
    return _photograph(await _read_body(request, _most(boundary, limit), limit), boundary, limit)


def find_upload(body: bytes, content_type: str | None, limit: int) -> bytes:
    """The same for a request that has arrived already.

    Raises:
        RequestError: as `read_upload` does.
    """
    boundary = _boundary(content_type)
    if len(body) > _most(boundary, limit):
        raise _too_large(limit)
    return _photograph(body, boundary, limit)


def _boundary(content_type: str | None) -> bytes | None:
    """What parts a form; None where the body is no form, and so the photograph itself."""
    try:
        kind, options = parse_options_header(content_type)
    except UnicodeError as error:
        # In an event a header may have letters that none can have on its way.
        raise InvalidRequest(_BROKEN) from error
    if not kind.startswith(b"multipart/"):
        # Whatever else the content type says: what the bytes are is decided by the bytes.
        return None
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequest(_BROKEN)
    return boundary


def _most(boundary: bytes | None, limit: int) -> int:
    return limit if boundary is None else limit + FRAMING


async def _read_body(request: "Request", most: int, limit: int) -> bytes:
    # Loaded here: a photograph in an event is read without Starlette.
    from starlette.requests import ClientDisconnect

    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(limit)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large(limit)
    except ClientDisconnect as error:
        raise InvalidRequest("The upload stopped before its end. Send it again.") from error
    return bytes(body)


def _photograph(body: bytes, boundary: bytes | None, limit: int) -> bytes:
    data = body if boundary is None else _part(body, boundary, limit)
    if not data:
        raise MissingFile(_EMPTY)
    return data


def _part(body: bytes, boundary: bytes, limit: int) -> bytes:
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]  # a dict of bound methods
        parser.write(body)
    except FormParserError as error:
        raise InvalidRequest(_BROKEN) from error
    # The tokenizer does not mind a body that stops halfway, and half a photograph must not be judged.
    if not form.ended:
        raise InvalidRequest("The form stops before its closing boundary. Send it again.")
    if form.photograph is not None and len(form.photograph) > limit:
        raise _too_large(limit)
    return bytes(form.photograph or b"")


class _Form:
    """Keeps the part named `FIELD`, counts the others."""

    def __init__(self) -> None:
        self.photograph: bytearray | None = None
        self.ended = False
        self._parts = 0
        self._wanted = False
        self._name = b""
        self._value = b""
        self._disposition = b""

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts. Send one photograph in the field {FIELD}.")
        self._disposition = b""
        self._wanted = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        # The file's name is not looked at: it may be personal, and says nothing that the bytes do not say better.
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._wanted = options.get(b"name") == FIELD.encode()
        if self._wanted and self.photograph is not None:
            raise InvalidRequest(f"The form has more than one {FIELD}. Send one photograph per request.")
        if self._wanted:
            self.photograph = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted and self.photograph is not None:
            self.photograph += data[start:end]

    def _end(self) -> None:
        self.ended = True


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The photograph has more than {limit / 1_000_000:.1f} MB ({limit} bytes), which is the most that is taken here. "
        "Save it smaller, or as JPEG, and send it again."
    )
