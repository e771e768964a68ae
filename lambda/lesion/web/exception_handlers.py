"""FastAPI's exception handlers: every expected error of the application becomes a problem."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from lesion.errors import InvalidParameter, InvalidRequest, MethodNotAllowed, NotFound, RequestError
from lesion.web.middleware import UnhandledErrors
from lesion.web.problems import problem_of


def add_exception_handlers(app: FastAPI) -> None:
    """Make every error of an application a problem.

    Args:
        app: changed in place.
    """

    @app.exception_handler(RequestError)
    async def handle_expected(_: Request, error: RequestError) -> Response:
        return _response(error)

    @app.exception_handler(RequestValidationError)
    async def handle_parameter(_: Request, error: RequestValidationError) -> Response:
        causes = "; ".join(f"{item['loc'][-1]}: {str(item['msg']).lower()}" for item in error.errors())
        return _response(InvalidParameter(f"A parameter is invalid ({causes}). The parameters are described at /api/docs."))

    @app.exception_handler(HTTPException)
    async def handle_routing(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return _response(NotFound("There is nothing at this address. All routes are listed at /api/docs."))
        if error.status_code == 405:
            allowed = ", ".join(sorted(_methods(app, request.scope)))
            response = _response(MethodNotAllowed(f"This address accepts {allowed}. See /api/docs."))
            response.headers["allow"] = allowed
            return response
        return _response(InvalidRequest("The request cannot be read. All routes and parameters are described at /api/docs."))

    # Inside Starlette's own outermost handler, which would log the exception's message and raise it again.
    app.add_middleware(UnhandledErrors)


def _response(error: RequestError) -> Response:
    problem = problem_of(error)
    return Response(problem.body(), problem.status, problem.headers())


def _methods(app: FastAPI, scope: Scope) -> set[str]:
    # Starlette names the methods of the first matching route only; here several routes may share an address.
    matching = (route for route in app.routes if route.matches(scope)[0] != Match.NONE)
    methods = {method for route in matching for method in getattr(route, "methods", None) or ()}
    # `lesion.web.middleware.HttpSemantics` answers HEAD wherever there is GET.
    return methods | ({"HEAD"} if "GET" in methods else set())
