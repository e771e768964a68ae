"""Requests and responses between a viewer, the edge and its origins."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

Headers = tuple[tuple[str, str], ...]


def value(headers: Iterable[tuple[str, str]], name: str, otherwise: str = "") -> str:
    """Return the value of a header, case-insensitively; several are joined with commas."""
    values = [text for key, text in headers if key.lower() == name.lower()]
    return ",".join(values) if values else otherwise


def without(headers: Headers, *names: str) -> Headers:
    """Return the headers without the named ones."""
    left_out = {name.lower() for name in names}
    return tuple((key, text) for key, text in headers if key.lower() not in left_out)


@dataclass(frozen=True)
class Request:
    """A request; `target` is the undecoded path and query."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    secure: bool = True
    source: str = "127.0.0.1"

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query


@dataclass(frozen=True)
class Response:
    """A response; the content length is not among its headers."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    def set(self, name: str, text: str) -> "Response":
        """Return the response with one header set or replaced."""
        return replace(self, headers=(*without(self.headers, name), (name, text)))


Origin = Callable[[Request, float], Response]
"""Answers a forwarded request within the given seconds, or raises TimeoutError."""
