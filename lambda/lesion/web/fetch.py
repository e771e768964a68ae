"""Fetch an image from an allow-listed URL, protected against server-side request forgery.

The allow-list names hosts, but a host's DNS records may point anywhere, for instance into the private network of this
machine. So every address of the host must be public, and the connection uses the address that was checked: a second look-up
could return another one.
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

TIMEOUT_S = 8.0
"""Seconds for everything after the look-up: connection, TLS handshake, and the answer up to its last byte."""
_PORT = 443
_MAX_URL_LENGTH = 2048
_MAX_HEADER_BYTES = 65_536
"""Bytes that an answer may have besides its body. Chunked encoding may double the body's size."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Reserved by IANA for protocols, 6to4 relays and documentation, but global for `ipaddress` in older releases of Python 3.11
# and 3.12.
_RESERVED = (
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
    seconds: float = TIMEOUT_S,
    resolve: Resolver | None = None,
    connect: Callable[[str, float], socket.socket] | None = None,
    context: ssl.SSLContext | None = None,
) -> bytes:
    """Return the body of the answer to a GET request.

    Args:
        url: https, on port 443 of one of `hosts`. Untrusted.
        hosts: allowed host names in lower case; an empty collection disables fetching.
        max_bytes: largest size of the body.
        seconds: timeout for everything after the look-up.
        resolve: returns the addresses of a host name; replaced in tests.
        connect: opens a TCP connection to an address within a timeout in seconds; replaced in tests.
        context: verifies the certificate; replaced in tests.

    Raises:
        UrlNotAllowed: the URL is not allowed, or its host has an address that is not public.
        FetchFailed: no answer, a status other than 200, a redirect, a timeout or too many bytes.
    """
    host, target = _check_url(url, hosts)
    try:
        addresses = (resolve or _resolve)(host)
    except (OSError, UnicodeError) as error:
        raise FetchFailed("The address's host cannot be found. Check its name, or upload the image instead.") from error
    if not addresses or not all(is_public(address) for address in addresses):
        raise UrlNotAllowed("The address's host is not on the public internet. Upload the image instead.")
    deadline = time.monotonic() + seconds
    try:
        with (connect or _connect)(addresses[0], seconds) as tcp:
            tcp.settimeout(_remaining(deadline))
            with (context or ssl.create_default_context()).wrap_socket(tcp, server_hostname=host) as secure:
                return _get(secure, host, target, max_bytes, deadline)
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed(
            "The address returned no complete answer in time. Try again, or upload the image instead."
        ) from error


def is_public(text: str) -> bool:
    """Return whether an IP address is on the public internet.

    An IPv4 address that is embedded in an IPv6 address (mapped, 6to4, Teredo, NAT64) is checked as well.

    Args:
        text: the address; anything that is not an address is not public.
    """
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            # Valid on one network of this machine only.
            return False
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if embedded is not None:
            return is_public(str(embedded))
        if address.is_site_local:
            return False
    reserved = address.is_reserved or any(address in network for network in _RESERVED)
    return address.is_global and not address.is_multicast and not reserved


def _check_url(url: str, hosts: Collection[str]) -> tuple[str, str]:
    """Return the host, and the path with the query, of an allowed URL."""
    if not hosts:
        raise UrlNotAllowed("Fetching from addresses is turned off here. Upload the image instead.")
    # urlsplit removes line breaks and treats backslashes differently from browsers, so both are rejected before.
    if len(url) > _MAX_URL_LENGTH or not re.fullmatch(r"[!-\[\]-~]+", url):
        raise UrlNotAllowed(
            f"An address has at most {_MAX_URL_LENGTH} printable characters, without spaces. Upload the image instead."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UrlNotAllowed("This is not a web address. Upload the image instead.") from error
    if parts.scheme != "https" or port not in (None, _PORT) or "@" in parts.netloc:
        raise UrlNotAllowed("Only https addresses without a port or a user name are allowed. Upload the image instead.")
    if host not in hosts:
        raise UrlNotAllowed(f"Only these hosts are allowed: {', '.join(sorted(hosts))}. Upload the image instead.")
    return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _resolve(host: str) -> list[str]:
    results = socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in results]


def _connect(address: str, seconds: float) -> socket.socket:
    return socket.create_connection((address, _PORT), timeout=seconds)


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def _get(secure: ssl.SSLSocket, host: str, target: str, max_bytes: int, deadline: float) -> bytes:
    # The request is sent without http.client's connection, which would open its own socket, and whose timeout is per read: a
    # server that sends one byte now and then would keep it open for ever.
    lines = (f"GET {target} HTTP/1.1", f"Host: {host}", "Accept: image/*", "Accept-Encoding: identity", "Connection: close")
    secure.settimeout(_remaining(deadline))
    secure.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"))
    source = _BoundedReader(secure, deadline, 2 * max_bytes + _MAX_HEADER_BYTES)
    response = HTTPResponse(source, method="GET")  # type: ignore[arg-type]  # it only calls makefile
    with response:
        response.begin()
        if 300 <= response.status < 400:
            raise FetchFailed("The address redirects to another one, which is not followed. Send the image's own address.")
        if response.status != 200:
            raise FetchFailed(f"The address answered {response.status} instead of an image. Check it in a browser.")
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise FetchFailed(
                f"The image there has more than {max_bytes / 1_000_000:.1f} MB. Upload a smaller copy instead."
            )
        if response.length:
            raise TimeoutError
    return body


class _BoundedReader(RawIOBase):
    """A socket's bytes up to a deadline and a number of bytes; http.client never stops after a chunk of -1 bytes."""

    def __init__(self, secure: ssl.SSLSocket, deadline: float, max_bytes: int) -> None:
        self._secure = secure
        self._deadline = deadline
        self._bytes_left = max_bytes

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader passes nothing else
        self._secure.settimeout(_remaining(self._deadline))
        count = self._secure.recv_into(buffer)
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise ValueError("more bytes than an answer of this size can have")
        return count
