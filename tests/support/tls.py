"""A TLS server on this machine and a client of it, for tests of `lesion.web.fetch`."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable

import trustme
from lesion.web.fetch import fetch

HOST = "images.example.org"
HOSTS = frozenset({HOST})
PUBLIC = "93.184.216.34"
"""An address of the public internet, which no test connects to."""
# An authority that exists while the tests run, and that nothing but `trust` trusts.
_AUTHORITY = trustme.CA()
_CERTIFICATE = _AUTHORITY.issue_cert(HOST)


class Server:
    """A TLS server that sends `answer` to one request, in pieces with pauses in between."""

    def __init__(self, *answer: bytes, pause: float = 0.0, hang: bool = False) -> None:
        self._answer: Iterable[bytes] = answer
        self._pause, self._hang = pause, hang
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _CERTIFICATE.configure_cert(self._context)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.address: tuple[str, int] = self._listening.getsockname()
        self.request = b""
        self.reached: list[str] = []

    def connect(self, address: str, seconds: float) -> socket.socket:
        """Connect to this server instead, and record the requested address."""
        self.reached.append(address)
        return socket.create_connection(self.address, seconds)

    def answer_with(self, pieces: Iterable[bytes]) -> None:
        """Send these pieces instead; the iterable may be lazy."""
        self._answer = pieces

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        # Some tests close the connection early.
        with contextlib.suppress(OSError):
            plain, _ = self._listening.accept()
            with plain:
                if self._hang:
                    self._ended.wait(10)
                    return
                with self._context.wrap_socket(plain, server_side=True) as secure:
                    self.request = secure.recv(10_000)
                    for piece in self._answer:
                        secure.sendall(piece)
                        self._ended.wait(self._pause)


def trust() -> ssl.SSLContext:
    """Return a client context that trusts only `Server`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _AUTHORITY.configure_trust(context)
    return context


def fetch_from(server: Server, url: str = f"https://{HOST}/a.jpg", *, seconds: float = 5.0, max_bytes: int = 100) -> bytes:
    """Fetch `url` with `HOST` on the allow list, resolved to `PUBLIC` and connected to `server`."""
    return fetch(
        url,
        hosts=HOSTS,
        max_bytes=max_bytes,
        seconds=seconds,
        resolve=lambda _: [PUBLIC],
        connect=server.connect,
        context=trust(),
    )


def must_not_connect(address: str, _: float) -> socket.socket:
    """Fail instead of connecting."""
    raise AssertionError(f"{address} was connected to")
