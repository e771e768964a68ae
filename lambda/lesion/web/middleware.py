"""ASGI middleware around the application: origin secret, HEAD and caching, unhandled errors.

Nothing here imports Starlette at run time, because the fast path checks the origin secret before any framework is loaded.
"""

from collections.abc import Iterable
from hmac import compare_digest
from typing import TYPE_CHECKING

from lesion.errors import WrongOrigin
from lesion.web.problems import NO_STORE, Problem, log_unhandled, problem_of, unhandled_problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ORIGIN_HEADER = "x-origin-secret"
"""CloudFront sets this header on requests to the origin, and overwrites a header of this name that a caller sent."""

_NO_STORE = (b"cache-control", NO_STORE.encode())


def has_origin_secret(values: Iterable[bytes], secrets: frozenset[str]) -> bool:
    """Return whether a request came through CloudFront; without secrets, every request is accepted.

    Args:
        values: all values of the header `ORIGIN_HEADER`; the secret must be the only one.
        secrets: accepted secrets.
    """
    values = list(values)
    # Every secret is compared, each in constant time, so that the response time does not reveal how much of it matched.
    matches = [compare_digest(value, secret.encode()) for value in values for secret in sorted(secrets)]
    return not secrets or (len(values) == 1 and any(matches))


def wrong_origin() -> Problem:
    """Return the problem for a request that did not come through CloudFront."""
    return problem_of(WrongOrigin("This is not the service's own address. Use the address of its page."))


class OriginGuard:
    """Answer 403 to requests without the origin secret, before their body is read.

    See `infra.constructs.origin_secret` for what this protects.
    """

    def __init__(self, app: "ASGIApp", secrets: frozenset[str]) -> None:
        """Wrap an application.

        Args:
            app: receives the accepted requests, without the header.
            secrets: accepted secrets; an empty set accepts every request.
        """
        self._app = app
        self._secrets = secrets

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one ASGI connection."""
        if self._secrets and scope["type"] == "http":
            name = ORIGIN_HEADER.encode()
            if not has_origin_secret((value for key, value in scope["headers"] if key.lower() == name), self._secrets):
                await _send_problem(wrong_origin(), send)
                return
            # The application does not need the secret, and what it does not have it cannot log.
            scope = {**scope, "headers": [(key, value) for key, value in scope["headers"] if key.lower() != name]}
        await self._app(scope, receive, send)


class HttpSemantics:
    """Answer HEAD as GET without the body (RFC 9110, 9.3.2), and forbid caching of every answer."""

    def __init__(self, app: "ASGIApp") -> None:
        """Wrap an application.

        Args:
            app: receives HEAD as GET.
        """
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def send_changed(message: "Message") -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.lower() != _NO_STORE[0]]
                message = {**message, "headers": [*kept, _NO_STORE]}
            elif head:
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"} if head else scope, receive, send_changed)


class UnhandledErrors:
    """Answer 500 to every unhandled error, and log it without personal data."""

    def __init__(self, app: "ASGIApp") -> None:
        """Wrap an application.

        Args:
            app: may raise any exception.
        """
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one ASGI connection."""
        started = False

        async def send_noting_start(message: "Message") -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting_start)
        except Exception as error:
            log_unhandled(error, str(scope.get("method")), str(getattr(scope.get("route"), "path", "(no route)")))
            # An answer that has started cannot be replaced; every answer here is one small message, so it is complete.
            if not started:
                await _send_problem(unhandled_problem(), send)


async def _send_problem(problem: Problem, send: "Send") -> None:
    headers = [(name.encode(), value.encode()) for name, value in problem.headers().items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.body()})
