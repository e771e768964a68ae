"""The HTTP contract: routes under /api, and the application that holds them."""

from dataclasses import asdict
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse

from lesion.errors import (
    FetchFailed,
    InvalidImage,
    InvalidParameter,
    InvalidRequest,
    MissingFile,
    NotFound,
    TooLarge,
    UnsupportedFormat,
    UrlNotAllowed,
)
from lesion.imaging.decode import FORMATS, MAX_PIXELS, MAX_PIXELS_OF
from lesion.inference import messages
from lesion.inference.classify import classify
from lesion.inference.facts import ClassEntry, Config, Limits, ModelCard, describe
from lesion.inference.model import Model
from lesion.inference.schemas import Classification, Views, encode
from lesion.settings import Settings
from lesion.web import openapi_html, problems
from lesion.web.fetch import fetch
from lesion.web.http import Answers
from lesion.web.samples import Sample, Samples
from lesion.web.upload import FIELD, read_upload

CONTRACT = "1"
"""Version of the HTTP contract, not of the code or the model."""

AT_ONCE = 2
"""Photographs decoded at the same time. One can take 400 MB, so this bounds the memory; others wait their turn."""

FETCH_SECONDS = 12.0
"""For `url=`, with the look-up of the host, which cannot be given a limit of its own."""

_BINARY = {"type": "string", "format": "binary"}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "description": f"the photograph as the form field {FIELD}",
                    "required": [FIELD],
                    "properties": {FIELD: _BINARY},
                }
            },
            "image/*": {"schema": {**_BINARY, "description": f"the photograph's bytes, any of {', '.join(FORMATS)}"}},
            "application/octet-stream": {"schema": {**_BINARY, "description": "the same"}},
        },
    }
}

ViewsQuery = Annotated[Views, Query(description="1, or 8 to average over flips and quarter turns")]
EvidenceQuery = Annotated[bool, Query(description="whether the answer has the evidence map")]
SampleQuery = Annotated[str | None, Query(description="id of a sample, see /api/samples")]
UrlQuery = Annotated[str | None, Query(description="https address of a photograph, where the service allows its host")]


def create_app(settings: Settings, model: Model) -> FastAPI:
    """The service as an ASGI application.

    Raises:
        SettingsError: the sample gallery is broken.
    """
    app = FastAPI(
        title=settings.title,
        description=f"{messages.DESCRIPTION} {messages.DISCLAIMER}",
        version=CONTRACT,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirect of an upload is an upload twice.
        redirect_slashes=False,
    )
    problems.install(app)
    # Outside of what answers faults, so that it sees these as well.
    app.add_middleware(Answers)
    samples = Samples(settings.samples)
    _add_classify(app, settings, model, samples)
    _add_facts(app, settings, model, samples)
    _add_docs(app)
    return app


def _add_classify(app: FastAPI, settings: Settings, model: Model, samples: Samples) -> None:
    turns = anyio.CapacityLimiter(AT_ONCE)
    unreadable = (InvalidImage, TooLarge, UnsupportedFormat, InvalidParameter, MissingFile)

    async def judge(data: bytes, views: Views, evidence: bool) -> Response:
        # In a thread: the event loop stays free to answer others meanwhile.
        answer = await run_sync(lambda: classify(data, model, views=views, evidence=evidence), limiter=turns)
        return Response(encode(answer), media_type="application/json")

    @app.post(
        "/api/classify",
        response_model=Classification,
        openapi_extra=_UPLOAD,
        responses=problems.documented(InvalidRequest, *unreadable),
    )
    async def classify_upload(request: Request, views: ViewsQuery = Views.ONE, evidence: EvidenceQuery = True) -> Response:
        """Judge the photograph in the request: a form with the field `file`, or the photograph as the body."""
        return await judge(await read_upload(request, settings.max_upload_bytes), views, evidence)

    @app.get(
        "/api/classify",
        response_model=Classification,
        responses=problems.documented(NotFound, UrlNotAllowed, FetchFailed, *unreadable),
    )
    async def classify_known(
        sample: SampleQuery = None, url: UrlQuery = None, views: ViewsQuery = Views.ONE, evidence: EvidenceQuery = True
    ) -> Response:
        """Judge a sample of the gallery, or a photograph at an address of an allowed host."""
        if sample is not None and url is not None:
            raise InvalidParameter("Give either sample or url, not both.")
        if sample is not None:
            return await judge(samples.photograph(sample), views, evidence)
        if url is not None:
            return await judge(await _fetched(url, settings), views, evidence)
        raise MissingFile("Give sample=ID or url=ADDRESS, or send a photograph with POST.")


async def _fetched(url: str, settings: Settings) -> bytes:
    with anyio.move_on_after(FETCH_SECONDS):
        return await run_sync(
            lambda: fetch(url, hosts=settings.url_hosts, max_bytes=settings.max_upload_bytes), abandon_on_cancel=True
        )
    raise FetchFailed("The address gave no complete answer in time. Try again, or upload the photograph instead.")


def _add_facts(app: FastAPI, settings: Settings, model: Model, samples: Samples) -> None:
    classes = [ClassEntry(**asdict(entry)) for entry in model.card.classes]
    # Validated once, at the start: what a foreign model file says of itself must not fail later.
    about = describe(model)

    @app.get("/api/classes")
    async def list_classes() -> list[ClassEntry]:
        """The classes that the model tells apart, and which of them count as malignant."""
        return classes

    @app.get("/api/model")
    async def show_model() -> ModelCard:
        """The model card: what the model file says of itself."""
        return about

    @app.get("/api/samples")
    async def list_samples() -> tuple[Sample, ...]:
        """The sample gallery, with what the archive records of each photograph."""
        return samples.entries

    @app.get("/api/config")
    async def show_config() -> Config:
        """What a page needs to present the service: texts, links and limits."""
        return Config(
            title=settings.title,
            description=messages.DESCRIPTION,
            about=list(messages.ABOUT),
            links={"code": settings.code_url} if settings.code_url else {},
            limits=Limits(
                max_upload_bytes=settings.max_upload_bytes,
                max_pixels=MAX_PIXELS,
                max_pixels_of={name: MAX_PIXELS_OF[name.lower()] for name in FORMATS if name.lower() in MAX_PIXELS_OF},
                formats=list(FORMATS),
            ),
        )

    @app.get("/api/ping")
    async def ping() -> str:
        """Whether the service answers."""
        return "pong"


def _add_docs(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        # Problems are answered by handlers, of which FastAPI's document knows nothing.
        document = generate()
        document["components"]["schemas"]["Problem"] = problems.Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it

    @app.get("/api/docs", include_in_schema=False, response_class=HTMLResponse)
    async def show_docs() -> str:
        return openapi_html.render(app.openapi(), problems.codes())

    @app.get("/api/docs.css", include_in_schema=False)
    async def docs_style() -> Response:
        return Response(openapi_html.STYLE, media_type="text/css")
