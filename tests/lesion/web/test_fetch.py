"""`fetch` reads an image from an allow-listed host on the public internet, and rejects everything else."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from lesion.errors import FetchFailed, UrlNotAllowed
from lesion.web.fetch import fetch, is_public

from tests.support.tls import HOST, HOSTS, PUBLIC, Server, fetch_from, must_not_connect, trust


def refuse(url: str, *, hosts: frozenset[str] = HOSTS, resolve: Callable[[str], list[str]] = lambda _: [PUBLIC]) -> None:
    with pytest.raises(UrlNotAllowed, match=r"[Uu]pload the image"):
        fetch(url, hosts=hosts, max_bytes=100, resolve=resolve, connect=must_not_connect)


@pytest.fixture(params=["length", "chunks", "end"])
def image_response(request: pytest.FixtureRequest) -> Iterator[bytes]:
    answers = {
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nby\r\n3\r\ntes\r\n0\r\n\r\n",
        "end": b"HTTP/1.1 200 OK\r\n\r\nbytes",
    }
    yield answers[request.param]


def test_fetch_connects_to_the_checked_address(image_response: bytes) -> None:
    with Server(image_response) as server:
        body = fetch_from(server, f"https://{HOST}/a/b.jpg?size=large#part")
    assert body == b"bytes"
    assert server.reached == [PUBLIC]
    assert server.request.startswith(f"GET /a/b.jpg?size=large HTTP/1.1\r\nHost: {HOST}\r\n".encode())


def test_fetch_resolves_the_host_once() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with Server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") as server:
        fetch(
            f"https://{HOST}/",
            hosts=HOSTS,
            max_bytes=10,
            resolve=lambda _: next(answers),
            connect=server.connect,
            context=trust(),
        )
    assert server.reached == [PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/a.jpg",
        f"ftp://{HOST}/a.jpg",
        f"//{HOST}/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "gopher://images.example.org/",
        "",
        "https://",
        "https:///a.jpg",
        f"https://{HOST}:8443/a.jpg",
        f"https://{HOST}:0/a.jpg",
        f"https://{HOST}:99999/a.jpg",
        f"https://{HOST}:x/a.jpg",
        f"https://user@{HOST}/a.jpg",
        f"https://user:password@{HOST}/a.jpg",
        f"https://{HOST}@evil.example/a.jpg",
        f"https://evil.example\\@{HOST}/a.jpg",
        f"https://{HOST}\\.evil.example/a.jpg",
        f"https://evil.example#@{HOST}/",
        f"https://evil.example/{HOST}",
        f"https://{HOST}.evil.example/a.jpg",
        f"https://sub.{HOST}/a.jpg",
        f"https://{HOST}./a.jpg",
        f"https://{HOST}/a.jpg\r\nX-Evil: 1",
        f"https://{HOST}/a b.jpg",
        f"https://{HOST}/\u00e9.jpg",
        f"https://{HOST}/{'x' * 3000}",
        "https://im\u0430ges.example.org/a.jpg",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1%25eth0]/",
        "https://[/",
        "https://localhost/",
    ],
)
def test_fetch_rejects_urls_before_resolving(url: str) -> None:
    def must_not_resolve(host: str) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    refuse(url, resolve=must_not_resolve)


def test_fetch_without_allow_list_is_disabled() -> None:
    with pytest.raises(UrlNotAllowed, match="turned off"):
        fetch(f"https://{HOST}/a.jpg", hosts=frozenset(), max_bytes=100, connect=must_not_connect)


def test_fetch_accepts_upper_case_and_port_443() -> None:
    with Server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") as server:
        assert fetch_from(server, f"HTTPS://{HOST.upper()}:443/a.jpg") == b"x"


NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:0:0:0:0:80ff:fffe",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
    "2130706433",
    "0177.0.0.1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_is_public_rejects_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_is_public_accepts_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::ffff:127.0.0.1", "fd00:ec2::254"])
def test_fetch_rejects_hosts_with_a_private_address(address: str) -> None:
    refuse(f"https://{HOST}/a.jpg", resolve=lambda _: [address])


def test_fetch_rejects_hosts_with_one_private_address() -> None:
    refuse(f"https://{HOST}/a.jpg", resolve=lambda _: [PUBLIC, "127.0.0.1"])


def test_fetch_rejects_hosts_without_addresses() -> None:
    refuse(f"https://{HOST}/a.jpg", resolve=lambda _: [])


def test_fetch_fails_for_unknown_hosts() -> None:
    def unknown(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(FetchFailed, match="cannot be found"):
        fetch(f"https://{HOST}/a.jpg", hosts=HOSTS, max_bytes=100, resolve=unknown, connect=must_not_connect)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "304 Not Modified"])
def test_fetch_does_not_follow_redirects(status: str) -> None:
    answer = f"HTTP/1.1 {status}\r\nLocation: https://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".encode()
    with Server(answer) as server, pytest.raises(FetchFailed, match="not followed"):
        fetch_from(server)
    assert server.reached == [PUBLIC]


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "206 Partial Content"])
def test_fetch_fails_for_other_statuses(status: str) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    with Server(answer) as server, pytest.raises(FetchFailed, match=f"answered {status[:3]}"):
        fetch_from(server)


@pytest.mark.parametrize(
    "head", [b"Content-Length: 101\r\n", b"Content-Length: 99999999999\r\n", b"", b"Transfer-Encoding: chunked\r\n"]
)
def test_fetch_fails_above_the_byte_limit(head: bytes) -> None:
    body = b"c8\r\n" + b"x" * 200 + b"\r\n0\r\n\r\n" if b"chunked" in head else b"x" * 200
    with Server(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body) as server, pytest.raises(FetchFailed, match="more than"):
        fetch_from(server, max_bytes=100)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    ],
)
def test_fetch_fails_for_truncated_answers(answer: bytes) -> None:
    with Server(answer) as server, pytest.raises(FetchFailed, match="no complete answer"):
        fetch_from(server)


def test_fetch_times_out_without_an_answer() -> None:
    started = time.monotonic()
    with Server(hang=True) as server, pytest.raises(FetchFailed, match="in time"):
        fetch_from(server, seconds=0.3)
    assert time.monotonic() - started < 3


def test_fetch_times_out_with_a_slow_body() -> None:
    # Each read is faster than any timeout per read.
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", *[b"x"] * 80]
    started = time.monotonic()
    with Server(*pieces, pause=0.1) as server, pytest.raises(FetchFailed, match="in time"):
        fetch_from(server, seconds=0.5)
    assert time.monotonic() - started < 3


def test_fetch_times_out_with_slow_headers() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 50]
    started = time.monotonic()
    with Server(*pieces, pause=0.1) as server, pytest.raises(FetchFailed, match="in time"):
        fetch_from(server, seconds=0.5)
    assert time.monotonic() - started < 3


def test_fetch_rejects_certificates_of_other_hosts() -> None:
    with Server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") as server, pytest.raises(FetchFailed):
        fetch(
            "https://other.example.org/",
            hosts=frozenset({"other.example.org"}),
            max_bytes=10,
            resolve=lambda _: [PUBLIC],
            connect=server.connect,
            context=trust(),
        )


def test_fetch_rejects_untrusted_certificates() -> None:
    with Server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") as server, pytest.raises(FetchFailed):
        fetch(f"https://{HOST}/", hosts=HOSTS, max_bytes=10, resolve=lambda _: [PUBLIC], connect=server.connect)


def test_fetch_fails_for_a_closed_port(closed_port: int) -> None:
    def connect(_: str, seconds: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", closed_port), seconds)

    with pytest.raises(FetchFailed, match="no complete answer"):
        fetch(f"https://{HOST}/", hosts=HOSTS, max_bytes=10, resolve=lambda _: [PUBLIC], connect=connect)


def test_fetch_resolves_and_connects_with_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without replacements, the system's look-up is used, and the connection goes to port 443 of its first address."""
    asked: list[object] = []

    def getaddrinfo(*arguments: object, **options: object) -> list[tuple[object, ...]]:
        asked.append(arguments)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 443))]

    def create_connection(address: object, timeout: float) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(FetchFailed, match="no complete answer"):
        fetch(f"https://{HOST}/", hosts=HOSTS, max_bytes=10)
    assert asked == [(HOST, 443), (PUBLIC, 443)]
