"""Server-side request forgery and denial of service through `url=`: hosts, resolvers and servers that misbehave.

tests/lesion/web/test_fetch.py has addresses, redirects, time limits and certificates.
"""

import gzip
import itertools
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from lesion.errors import FetchFailed, UrlNotAllowed
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web import api, fetch
from lesion.web.api import create_app
from starlette.testclient import TestClient

from tests.support.tls import HOST, HOSTS, PUBLIC, Server, fetch_from, must_not_connect, trust

NOT_PUBLIC = [
    "100::1",
    "100.127.255.255",
    "172.31.255.255",
    "192.0.0.170",
    "192.88.99.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "239.255.255.250",
    "::2",
    "::a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:100.64.0.1",
    "::ffff:224.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::e000:1",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2002:c0a8:101::1",
    "2002:e000:1::",
    "3fff::1",
    "5f00::1",
    "fdff:ffff::1",
    "febf::1",
    "ff0e::1",
    "1.1.1.1%eth0",
    "2606:4700:4700::1111%1",
    "0x7f000001",
    "127.1",
    "017700000001",
    "\uff11\uff12\uff17.0.0.1",
    "1.1.1.1 ",
    "1.1.1.1/32",
]


def _addresses(addresses: list[str], _: str) -> list[str]:
    return addresses


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_non_public_addresses_are_refused(address: str) -> None:
    """Alone, and as one of many addresses of a host."""
    assert not fetch.is_public(address)
    many = [*[f"93.184.216.{last}" for last in range(30)], address]
    for resolved in ([address], many, [address, *many]):
        with pytest.raises(UrlNotAllowed, match="public internet"):
            fetch.fetch(
                f"https://{HOST}/a.jpg",
                hosts=HOSTS,
                max_bytes=100,
                resolve=partial(_addresses, resolved),
                connect=must_not_connect,
            )


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[fe80::1%25lo]",
        "[v1.fe80::1]",
        "\u24d8mages.example.org",
        "images\u3002example.org",
        "images.example.org\u0000",
        "images.example.org%00.evil.example",
        "images.example.org%2eevil.example",
        "xn--mages-q5a.example.org",
        "images.example.org..",
        ".images.example.org",
        "images.example.org,evil.example",
        "images.example.org;evil.example",
        "images.example.org\t",
        "images.example.org:443:80",
        "images.example.org:0443x",
        "images.example.org:-443",
        "evil.example\\images.example.org",
        "user:@images.example.org",
        "@images.example.org",
    ],
)
def test_no_spelling_of_a_host_bypasses_the_allow_list(host: str) -> None:
    def must_not_resolve(name: str) -> list[str]:
        raise AssertionError(f"{name} was looked up")

    with pytest.raises(UrlNotAllowed):
        fetch.fetch(f"https://{host}/a.jpg", hosts=HOSTS, max_bytes=9, resolve=must_not_resolve, connect=must_not_connect)


def test_host_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that would return another address the second time (DNS rebinding) is asked once."""
    # Not through the `resolve` argument, so that every call of the module itself is seen.
    asked: list[str] = []

    def resolver(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = PUBLIC if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with Server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") as server:

        def connect(address: str, _: float) -> socket.socket:
            server.reached.append(address)
            # Not with `create_connection`, which resolves addresses as well.
            plain = socket.socket()
            plain.connect(server.address)
            return plain

        body = fetch.fetch(f"https://{HOST}/", hosts=HOSTS, max_bytes=9, connect=connect, context=trust())
    assert (body, server.reached, asked) == (b"x", [PUBLIC], [HOST])


ENDLESS = {
    "a chunk of less than nothing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "a chunk of very much": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    "a body without a length": b"HTTP/1.1 200 OK\r\n\r\n",
    "a line without an end": b"",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX: ",
    "a body of a wrong length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
}


@pytest.mark.parametrize("head", ENDLESS.values(), ids=ENDLESS)
def test_endless_body_is_cut_off_by_its_size(head: bytes) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield head
        while sent < 50_000_000:
            sent += 65_536
            yield b"x" * 65_536

    with Server() as server:
        server.answer_with(pieces())
        with pytest.raises(FetchFailed):
            fetch_from(server, seconds=60, max_bytes=100_000)
    # Socket buffers hold more than what is read.
    assert sent < 20_000_000


@pytest.mark.parametrize(
    "endless",
    [
        itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        itertools.chain(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"], itertools.repeat(b"X: y\r\n" * 1000)
        ),
        itertools.chain(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
            itertools.repeat(b"1;" + b"e" * 60_000 + b"\r\nx\r\n"),
        ),
    ],
    ids=["interim answers", "trailers", "extensions of chunks"],
)
def test_endless_framing_is_cut_off_by_its_size(endless: Iterator[bytes]) -> None:
    """Interim responses, trailers and chunk extensions count as well."""
    with Server() as server:
        server.answer_with(itertools.islice(endless, 20_000))
        with pytest.raises(FetchFailed):
            fetch_from(server, seconds=60, max_bytes=100_000)


def test_gzip_bomb_is_not_decompressed(stand_in: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with Server(head + bomb) as server:
        assert fetch_from(server, max_bytes=100_000) == bomb
    monkeypatch.setattr(api, "fetch", lambda *_, **__: bomb)
    client = TestClient(create_app(Settings(url_hosts=HOSTS), stand_in))
    answer = client.get(f"/api/classify?url=https://{HOST}/a.jpg")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format")


def test_hanging_resolvers_do_not_block_other_requests(stand_in: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(60) and [])
    monkeypatch.setattr(api, "FETCH_TIMEOUT_S", 0.05)
    client = TestClient(create_app(Settings(url_hosts=HOSTS), stand_in))
    answers = [client.get(f"/api/classify?url=https://{HOST}/a.jpg").json()["code"] for _ in range(10)]
    assert answers == ["fetch_failed"] * 10
    assert client.get("/api/ping").json() == "pong"
    ended.set()
