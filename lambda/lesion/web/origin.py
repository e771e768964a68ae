"""Lets through only what came through CloudFront, which shows a secret; see `infra.constructs.origin_secret` for what that guards."""

from collections.abc import Iterable
from hmac import compare_digest
from typing import TYPE_CHECKING

from lesion.errors import WrongOrigin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "x-origin-secret"
"""CloudFront sets it on its way to the origin, in the place of whatever a caller sent under the same name."""


def opens(shown: Iterable[bytes], secrets: frozenset[str]) -> bool:
    """Whether the values of the header, one in all, are one of the secrets; without secrets, everything opens."""
    values = list(shown)
    # Every secret is compared, and each in constant time, so that the time of the answer tells nothing.
    fits = [compare_digest(value, secret.encode()) for value in values for secret in sorted(secrets)]
    return not secrets or (len(values) == 1 and any(fits))


class Origin:
    """ASGI middleware that answers 403 to requests without one of the secrets, before their body is looked at."""

    def __init__(self, app: "ASGIApp", secrets: frozenset[str]) -> None:
        """Guard `app`.

        Args:
            app: gets what passes, without the header.
            secrets: any of them opens; none lets everything through.
        """
        self._app = app
        self._secrets = secrets

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if self._secrets and scope["type"] == "http":
            name = HEADER.encode()
            if not opens((value for key, value in scope["headers"] if key.lower() == name), self._secrets):
                # Loaded here: `lesion.fast_path` asks `opens` before the framework is there.
                from lesion.web.problems import answer

                refuse = answer(WrongOrigin("This is not the service's own address. Use the address of its page."))
                await refuse(scope, receive, send)
                return
            # Nothing behind this has a use for it, and what is not there cannot be logged.
            scope = {**scope, "headers": [(key, value) for key, value in scope["headers"] if key.lower() != name]}
        await self._app(scope, receive, send)
