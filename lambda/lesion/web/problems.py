"""Build application/problem+json (RFC 9457) for every error, without a web framework.

The fast path, FastAPI's exception handlers, the middleware and the infrastructure all build their errors here, so that an
error has the same body wherever it is answered. Errors that nobody expected are logged here, without personal data.
"""

import json
import logging
import traceback
from dataclasses import asdict, dataclass, field
from typing import Any

from lesion.errors import RequestError

MEDIA_TYPE = "application/problem+json"
NO_STORE = "no-store"
"""Cache-Control of every answer: answers about a person must not be cached, and the others are too small to be worth it."""
UNHANDLED_CODE = "fault"
"""Code of every unhandled error."""
UNHANDLED_TITLE = "The service failed"

_logger = logging.getLogger("lesion")


@dataclass(frozen=True)
class Problem:
    """An error, as RFC 9457 describes it."""

    type: str = field(metadata={"description": "address of the code's description"})
    title: str = field(metadata={"description": "kind of error, the same for every error of this code"})
    status: int
    detail: str = field(metadata={"description": "a sentence that says what to do"})
    code: str = field(metadata={"description": "stable, for programs"})

    def body(self) -> bytes:
        """Return the problem as compact JSON in UTF-8."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def headers(self) -> dict[str, str]:
        """Return the headers of the answer, names in lower case."""
        return {"cache-control": NO_STORE, "content-length": str(len(self.body())), "content-type": MEDIA_TYPE}


def problem_of(error: RequestError) -> Problem:
    """Return the problem that an expected error becomes.

    Args:
        error: its message becomes the detail.
    """
    return _problem(error.code, error.status, error.title, str(error))


def unhandled_problem() -> Problem:
    """Return the problem that every unhandled error becomes; it contains no number that could be taken for a result."""
    return _problem(UNHANDLED_CODE, 500, UNHANDLED_TITLE, "This is not caused by your request. Try again later.")


def codes() -> dict[str, tuple[int, str]]:
    """Return every code that an answer can have, with its status and title."""
    kinds: list[type[RequestError]] = [RequestError, *RequestError.__subclasses__()]
    expected = {kind.code: (kind.status, kind.title) for kind in kinds}
    return expected | {UNHANDLED_CODE: (500, UNHANDLED_TITLE)}


def openapi_responses(*kinds: type[RequestError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a FastAPI route for OpenAPI.

    Args:
        kinds: expected errors of the route; the unhandled error is added.
    """
    names: dict[int | str, list[str]] = {}
    for status, code in (*((kind.status, kind.code) for kind in kinds), (500, UNHANDLED_CODE)):
        names.setdefault(status, []).append(code)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": " or ".join(codes), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, codes in names.items()
    }


def log_unhandled(error: Exception, method: str, route: str) -> None:
    """Log an unhandled error once: its types and where it happened.

    An exception's message may quote what a person sent, so it is not logged, and neither is the path.

    Args:
        error: the exception.
        method: of the request.
        route: the route's pattern.
    """
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    frames = "".join(traceback.format_tb(error.__traceback__))
    _logger.error("unhandled error in %s %s: %s\n%s", method, route, " from ".join(kinds), frames)


def _problem(code: str, status: int, title: str, detail: str) -> Problem:
    return Problem(type=f"/api/docs#{code}", title=title, status=status, detail=detail, code=code)
