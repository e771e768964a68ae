"""Errors on their way out: every one is application/problem+json (RFC 9457) with a stable code, faults included."""

import logging
import traceback
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lesion.errors import InvalidParameter, InvalidRequest, MethodNotAllowed, NotFound, RequestError

MEDIA_TYPE = "application/problem+json"
FAULT = "fault"
"""Code of everything that is not the caller's doing."""
FAULT_TITLE = "The service failed"

logger = logging.getLogger("lesion")


class Problem(BaseModel):
    """An error, after RFC 9457."""

    type: str = Field(description="address of the code's description")
    title: str = Field(description="what kind of error, the same for every one of its code")
    status: int
    detail: str = Field(description="a sentence that says what to do")
    code: str = Field(description="stable, for programs")


def codes() -> dict[str, tuple[int, str]]:
    """Every code that an answer can have, with its status and title."""
    kinds: list[type[RequestError]] = [RequestError, *RequestError.__subclasses__()]
    known = {kind.code: (kind.status, kind.title) for kind in kinds}
    return known | {FAULT: (500, FAULT_TITLE)}


def documented(*kinds: type[RequestError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can fail in these ways, for OpenAPI."""
    titles: dict[int | str, list[str]] = {}
    for status, code in (*((kind.status, kind.code) for kind in kinds), (500, FAULT)):
        titles.setdefault(status, []).append(code)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": " or ".join(names), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, names in titles.items()
    }


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""

    @app.exception_handler(RequestError)
    async def expected(_: Request, error: RequestError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def parameter(_: Request, error: RequestValidationError) -> JSONResponse:
        told = "; ".join(f"{item['loc'][-1]}: {str(item['msg']).lower()}" for item in error.errors())
        return answer(
            InvalidParameter(f"A parameter cannot be understood ({told}). The parameters are described at /api/docs.")
        )

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return answer(NotFound("There is nothing at this address. What there is, is listed at /api/docs."))
        if error.status_code == 405:
            allowed = ", ".join(sorted(_methods(app, request.scope)))
            problem = answer(MethodNotAllowed(f"This address takes {allowed}. See /api/docs."))
            problem.headers["Allow"] = allowed
            return problem
        return answer(InvalidRequest("The request cannot be read. What can be asked, and how, is described at /api/docs."))

    # Inside Starlette's own outermost handler, which would log the exception's message and raise it again.
    app.add_middleware(Faults)


class Faults:
    """ASGI middleware that answers 500 for whatever was not expected, and logs it without personal data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            _log(error, scope)
            # An answer that has begun cannot be taken back; every answer here is one small message, so it is complete.
            if not begun:
                await _problem(FAULT, 500, FAULT_TITLE, "This is not your doing. Try again later.")(scope, receive, send)


def _log(error: Exception, scope: Scope) -> None:
    # An exception's message may quote what a person sent; its type and where it happened do not.
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("fault in %s %s: %s\n%s", scope.get("method"), _route(scope), " from ".join(kinds), where)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(no route)"))


def _methods(app: FastAPI, scope: Scope) -> set[str]:
    # Starlette names the methods of the first route that matches; one address has several routes here.
    matching = (route for route in app.routes if route.matches(scope)[0] != Match.NONE)
    methods = {method for route in matching for method in getattr(route, "methods", None) or ()}
    # `lesion.web.http` answers it wherever GET is.
    return methods | ({"HEAD"} if "GET" in methods else set())


def answer(error: RequestError) -> JSONResponse:
    """The problem that an expected error becomes."""
    return _problem(error.code, error.status, error.title, str(error))


def _problem(code: str, status: int, title: str, detail: str) -> JSONResponse:
    problem = Problem(type=f"/api/docs#{code}", title=title, status=status, detail=detail, code=code)
    return JSONResponse(problem.model_dump(), status, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)
