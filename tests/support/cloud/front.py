"""The two ports of the distribution on this machine, with and without TLS."""

import ssl
import subprocess
from pathlib import Path
from socket import socket
from typing import Any, Self

from tests.support.cloud.edge import Edge
from tests.support.cloud.messages import Request
from tests.support.lambda_runtime.server import Handler, Server


class Certificate:
    """A self-signed certificate for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.path, self.key = folder / "certificate.pem", folder / "key.pem"
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-subj", "/CN=emulation", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
        made = [*new, *names, "-keyout", str(self.key), "-out", str(self.path)]
        subprocess.run(made, check=True, capture_output=True)

    def client(self) -> ssl.SSLContext:
        """Return the TLS context of a client that trusts it."""
        return ssl.create_default_context(cafile=str(self.path))

    def server(self) -> ssl.SSLContext:
        """Return the TLS context of a server that uses it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key)
        return context


class Front:
    """Both ports, a context manager.

    Attributes:
        url: with TLS, without a slash at the end.
        plain_url: without TLS.
    """

    def __init__(self, edge: Edge, certificate: Certificate) -> None:
        self._servers = (_Port(edge, certificate.server()), _Port(edge, None))
        self.url, self.plain_url = f"https://{self._servers[0].address}", f"http://{self._servers[1].address}"

    def __enter__(self) -> Self:
        for server in self._servers:
            server.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        for server in self._servers:
            server.__exit__(*details)


class _Port(Server):
    def __init__(self, edge: Edge, context: ssl.SSLContext | None) -> None:
        super().__init__(_EdgeHandler)
        self.edge = edge
        self.context = context

    def get_request(self) -> tuple[socket, Any]:
        peer, address = super().get_request()
        if self.context is not None:
            # The reading thread performs the handshake, so that a slow client does not block others.
            peer = self.context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
        return peer, address


class _EdgeHandler(Handler):
    server: _Port

    def answer(self) -> None:
        headers = tuple(self.headers.items())
        secure = self.server.context is not None
        request = Request(self.command, self.path, headers, self.body(), secure, self.client_address[0])
        response = self.server.edge.answer(request)
        self.reply(response.status, b"" if response.status == 304 else response.body, dict(response.headers))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = answer
