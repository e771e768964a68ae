"""Lets through only what came through CloudFront, which shows a secret; see `infra.secret` for what that guards."""

from hmac import compare_digest

from starlette.types import ASGIApp, Receive, Scope, Send

from lesion.errors import WrongOrigin
from lesion.problems import answer

HEADER = "x-origin-secret"
"""CloudFront sets it on its way to the origin, in the place of whatever a caller sent under the same name."""


class Origin:
    """ASGI middleware that answers 403 to requests without one of the secrets, before their body is looked at."""

    def __init__(self, app: ASGIApp, secrets: frozenset[str]) -> None:
        """Guard `app`.

        Args:
            app: gets what passes, without the header.
            secrets: any of them opens; none lets everything through.
        """
        self._app = app
        self._secrets = [secret.encode() for secret in sorted(secrets)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._secrets and scope["type"] == "http":
            name = HEADER.encode()
            shown = [value for key, value in scope["headers"] if key.lower() == name]
            if not self._opens(shown):
                await answer(WrongOrigin("This is not the service's own address. Use the address of its page."))(
                    scope, receive, send
                )
                return
            # Nothing behind this has a use for it, and what is not there cannot be logged.
            scope = {**scope, "headers": [(key, value) for key, value in scope["headers"] if key.lower() != name]}
        await self._app(scope, receive, send)

    def _opens(self, shown: list[bytes]) -> bool:
        # Every secret is compared, and each in constant time, so that the time of the answer tells nothing.
        fits = [compare_digest(value, secret) for value in shown for secret in self._secrets]
        return len(shown) == 1 and any(fits)
