"""Development server: page and API from one origin, with the cloud's headers.

    make serve

Environment: PORT (default 8000; 0 selects a free port) and the variables of `lesion.settings`.
"""

import contextlib
import logging
import os
import socket
import sys
import time
from pathlib import PurePath
from urllib.parse import quote

import uvicorn
from lesion.errors import LesionError, SettingsError
from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web.api import create_app
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.packaging.bundle import CACHE_CONTROL, TYPES, VIEWS, BundleError, assemble
from infra.packaging.headers import SECURITY_HEADERS

HOST = "127.0.0.1"
"""Loopback only: the server has no authentication and no TLS."""

logger = logging.getLogger("infra.dev.serve")


class SingleOrigin:
    """ASGI application: the API under /api, the page everywhere else, both with the cloud's headers."""

    def __init__(self, api: ASGIApp, page: ASGIApp) -> None:
        self._api = api
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Neither lifespan events nor websockets are used.
            return
        path: str = scope["path"]
        started = time.perf_counter()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
                # Neither the caller's address nor the query: both may be personal data.
                milliseconds = 1000 * (time.perf_counter() - started)
                # Quoted, so that a path with a line break cannot forge a log line.
                logger.info("%s %s %s %.0f ms", scope["method"], quote(path), message["status"], milliseconds)
            await send(message)

        to_api = path == "/api" or path.startswith("/api/")
        await (self._api if to_api else self._page)(scope, receive, with_headers)


class SiteFiles(StaticFiles):
    """Static files of the assembled site, with the media types and cache headers of the cloud."""

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        return "index.html" if f"/{path}" in VIEWS else path

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update({"Content-Type": TYPES[PurePath(full_path).suffix], "Cache-Control": CACHE_CONTROL})
        return response


def main() -> int:
    """Serve until interrupted. Return 1, with a sentence on stderr, if that is not possible."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        settings = read_settings()
        listening = _listen(os.environ.get("PORT", ""))
        api = create_app(settings, Model(settings.model, threads=settings.threads))
        # Starlette turns the exceptions of StaticFiles into responses. CloudFront compresses, too.
        page = Starlette(
            routes=[Mount("/", SiteFiles(directory=assemble(settings.model), html=True))],
            middleware=[Middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)],
        )
    except (LesionError, BundleError) as error:
        print(error, file=sys.stderr)
        return 1
    config = uvicorn.Config(
        SingleOrigin(api, page), lifespan="off", access_log=False, log_level="warning", server_header=False
    )
    print(f"http://{HOST}:{listening.getsockname()[1]}/", flush=True)
    with listening, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(port: str) -> socket.socket:
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise SettingsError(f"PORT is {port!r}. Set it to a number below 65536, or leave it out for 8000.")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Otherwise the port cannot be bound again for a minute after a stop.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, int(port or 8000)))
        # Before the model is loaded: on Linux two sockets with SO_REUSEADDR may both bind, but only one may listen.
        listening.listen()
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"Port {port or 8000} cannot be opened ({error.strerror}). Stop what uses it, or choose another: PORT=8001."
        ) from error
    return listening


if __name__ == "__main__":
    sys.exit(main())
