"""Fetching a photograph from an allow-listed web address, without being led anywhere else.

The allow-list names hosts, but a name leads where its owner's DNS says, for instance to this machine's own network. So
every address of the name must be public, and the connection goes to the very address that was checked: a second look-up
could give another answer.
"""

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from urllib.parse import urlsplit

from lesion.errors import FetchFailed, UrlNotAllowed

SECONDS = 8.0
"""For everything after the look-up: connecting, the TLS handshake, the answer to its last byte."""
_PORT = 443
_MAX_URL = 2048
_HEAD = 65_536
"""Bytes that an answer may have beside its body, which may come in chunks of any size and so take twice its own."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Reserved by IANA, and global to `ipaddress` in older releases of Python 3.11 and 3.12: protocols, relays of 6to4,
# documentation.
_SPECIAL = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("3fff::/20"),
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str], list[str]]


def fetch(
    url: str,
    *,
    hosts: Collection[str],
    max_bytes: int,
    seconds: float = SECONDS,
    resolve: Resolver | None = None,
    connect: Callable[[str, float], socket.socket] | None = None,
    context: ssl.SSLContext | None = None,
) -> bytes:
    """The body behind `url`.

    Args:
        url: https, on port 443 of one of `hosts`.
        hosts: host names in lower case that may be fetched from; none turns fetching off.
        max_bytes: of the body.
        seconds: for everything after the look-up.
        resolve, connect, context: for tests; how to look up a name, reach an address and trust a certificate.

    Raises:
        UrlNotAllowed: not such an address, or its host leads to an address that is not public.
        FetchFailed: no answer, another answer than 200, a redirect, too long or too large.
    """
    host, target = _check_url(url, hosts)
    try:
        addresses = (resolve or _resolve)(host)
    except (OSError, UnicodeError) as error:
        raise FetchFailed("The address's host cannot be found. Check its name, or upload the photograph instead.") from error
    if not addresses or not all(is_public(address) for address in addresses):
        raise UrlNotAllowed("The address's host does not lead to the public internet. Upload the photograph instead.")
    deadline = time.monotonic() + seconds
    try:
        with (connect or _connect)(addresses[0], seconds) as plain:
            plain.settimeout(_left(deadline))
            with (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host) as secure:
                return _get(secure, host, target, max_bytes, deadline)
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed(
            "The address gave no complete answer in time. Try again, or upload the photograph instead."
        ) from error


def is_public(text: str) -> bool:
    """Whether an IP address is on the public internet, looking through every IPv6 form that carries an IPv4 address."""
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            # Of one network of this machine.
            return False
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if embedded is not None:
            return is_public(str(embedded))
        if address.is_site_local:
            return False
    special = any(address in network for network in _SPECIAL)
    return address.is_global and not (address.is_multicast or address.is_reserved or special)


def _check_url(url: str, hosts: Collection[str]) -> tuple[str, str]:
    """Host, and path with query, of an address that may be fetched."""
    if not hosts:
        raise UrlNotAllowed("Fetching from addresses is turned off here. Upload the photograph instead.")
    # urlsplit drops line breaks and reads backslashes otherwise than browsers do; nothing of the kind gets that far.
    if len(url) > _MAX_URL or not re.fullmatch(r"[!-\[\]-~]+", url):
        raise UrlNotAllowed(
            f"An address has at most {_MAX_URL} printable characters, without spaces. Upload the photograph instead."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UrlNotAllowed("This is not a web address. Upload the photograph instead.") from error
    if parts.scheme != "https" or port not in (None, _PORT) or "@" in parts.netloc:
        raise UrlNotAllowed("Only https addresses without a port or a user name are fetched. Upload the photograph instead.")
    if host not in hosts:
        raise UrlNotAllowed(f"Only these hosts are fetched from: {', '.join(sorted(hosts))}. Upload the photograph instead.")
    return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _resolve(host: str) -> list[str]:
    found = socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in found]


def _connect(address: str, seconds: float) -> socket.socket:
    return socket.create_connection((address, _PORT), timeout=seconds)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _get(secure: ssl.SSLSocket, host: str, target: str, max_bytes: int, deadline: float) -> bytes:
    # Request and answer are written out because http.client's connection would open its own socket, and its time limit
    # is for each read: a server that sends one byte now and then would hold it for ever.
    lines = (f"GET {target} HTTP/1.1", f"Host: {host}", "Accept: image/*", "Accept-Encoding: identity", "Connection: close")
    secure.settimeout(_left(deadline))
    secure.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"))
    response = HTTPResponse(_Until(secure, deadline, 2 * max_bytes + _HEAD), method="GET")  # type: ignore[arg-type]  # it only asks for makefile
    with response:
        response.begin()
        if 300 <= response.status < 400:
            raise FetchFailed(
                "The address leads on to another one, which is not followed. Give the photograph's own address."
            )
        if response.status != 200:
            raise FetchFailed(f"The address answered {response.status} instead of a photograph. Check it in a browser.")
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise FetchFailed(
                f"The photograph there has more than {max_bytes / 1_000_000:.1f} MB. Upload a smaller copy instead."
            )
        if response.length:
            raise TimeoutError
    return body


class _Until(RawIOBase):
    """A socket's bytes, until a moment, and up to a number: http.client reads on for ever after a chunk of -1 bytes."""

    def __init__(self, secure: ssl.SSLSocket, deadline: float, most: int) -> None:
        self._secure = secure
        self._deadline = deadline
        self._left = most

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader passes nothing else
        self._secure.settimeout(_left(self._deadline))
        read = self._secure.recv_into(buffer)
        self._left -= read
        if self._left < 0:
            raise ValueError("more bytes than an answer of this size can take")
        return read
