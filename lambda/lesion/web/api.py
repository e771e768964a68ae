"""The HTTP contract: the routes under /api, and the FastAPI application that contains them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel

from lesion.errors import (
    FetchFailed,
    InvalidImage,
    InvalidParameter,
    InvalidRequest,
    MissingFile,
    NotFound,
    TooLarge,
    TooManyImages,
    TooManyRequests,
    UnsupportedFormat,
    UnsupportedImageType,
    UrlNotAllowed,
)
from lesion.imaging.decode import MAX_PIXELS, MAX_PIXELS_BY_KIND
from lesion.imaging.formats import FORMATS
from lesion.inference import messages
from lesion.inference.card import ImageType
from lesion.inference.card_schema import ClassEntry, ModelCard, describe_model
from lesion.inference.classify import classify, require_image_type
from lesion.inference.classify_lesion import classify_lesion
from lesion.inference.model import Model
from lesion.inference.schemas import Classification, Config, LesionClassification, Limits, Views
from lesion.settings import Settings
from lesion.web import openapi_html, problems
from lesion.web.exception_handlers import add_exception_handlers
from lesion.web.fetch import fetch
from lesion.web.middleware import HttpSemantics
from lesion.web.parameters import (
    FHIR_ANSWER,
    UPLOAD,
    EvidenceQuery,
    ImageTypeQuery,
    SampleQuery,
    UrlQuery,
    ViewsQuery,
    given_type,
)
from lesion.web.representation import represent
from lesion.web.samples import Sample, SampleGallery
from lesion.web.upload import MAX_IMAGES, read_upload

CONTRACT_VERSION = "1"
"""Version of the HTTP contract, not of the code or the model."""

MAX_CONCURRENT_DECODES = 2
"""Images decoded at the same time. Each can take 400 MB, so this bounds the memory; further requests wait."""

FETCH_TIMEOUT_S = 12.0
"""Seconds for `url=`, including the DNS look-up, which cannot have a timeout of its own."""


def create_app(settings: Settings, model: Model) -> FastAPI:
    """Return the service as an ASGI application.

    Args:
        settings: samples, limits, allowed hosts, title and links.
        model: the loaded model.

    Raises:
        SettingsError: the sample gallery is malformed.
    """
    app = FastAPI(
        title=settings.title,
        description=f"{messages.DESCRIPTION} {messages.DISCLAIMER}",
        version=CONTRACT_VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirected upload would be sent twice.
        redirect_slashes=False,
        # Names of functions in generated clients.
        generate_unique_id_function=lambda route: to_camel(route.name),
    )
    add_exception_handlers(app)
    # Outside of the exception handlers, so that it changes their answers as well.
    app.add_middleware(HttpSemantics)
    samples = SampleGallery(settings.samples)
    _add_classify(app, settings, model, samples)
    _add_information(app, settings, model, samples)
    _add_docs(app)
    return app


def _add_classify(app: FastAPI, settings: Settings, model: Model, samples: SampleGallery) -> None:
    limiter = anyio.CapacityLimiter(MAX_CONCURRENT_DECODES)
    # The firewall answers with TooManyRequests, the application never does.
    common_errors = (
        InvalidImage,
        TooLarge,
        UnsupportedFormat,
        InvalidParameter,
        MissingFile,
        UnsupportedImageType,
        TooManyRequests,
    )

    async def respond(
        request: Request, images: Sequence[bytes], views: Views, evidence: bool, image_type: ImageType | None
    ) -> Response:
        def work() -> Classification | LesionClassification:
            if len(images) > 1:
                return classify_lesion(images, model, views=views, evidence=evidence, image_type=image_type)
            return classify(images[0], model, views=views, evidence=evidence, image_type=image_type)

        # In a thread, so that the event loop can answer other requests meanwhile.
        answer = await run_sync(work, limiter=limiter)
        content, media_type = represent(answer, model.card, request.headers.get("accept"))
        return Response(content, media_type=media_type)

    @app.post(
        "/api/classify",
        response_model=Classification | LesionClassification,
        openapi_extra=UPLOAD,
        responses=FHIR_ANSWER | problems.openapi_responses(InvalidRequest, TooManyImages, *common_errors),
    )
    async def classify_image(
        request: Request,
        views: ViewsQuery = Views.ONE,
        evidence: EvidenceQuery = True,
        image_type: ImageTypeQuery = "auto",
    ) -> Response:
        """Classify one lesion: a form with one to five images in fields `file`, or one image as the body."""
        images = await read_upload(request, settings.max_upload_bytes)
        return await respond(request, images, views, evidence, given_type(image_type))

    @app.get(
        "/api/classify",
        response_model=Classification,
        responses=FHIR_ANSWER | problems.openapi_responses(NotFound, UrlNotAllowed, FetchFailed, *common_errors),
    )
    async def classify_known_image(
        request: Request,
        sample: SampleQuery = None,
        url: UrlQuery = None,
        views: ViewsQuery = Views.ONE,
        evidence: EvidenceQuery = True,
        image_type: ImageTypeQuery = "auto",
    ) -> Response:
        """Classify a sample of the gallery, or an image at an address of an allowed host."""
        if sample is not None and url is not None:
            raise InvalidParameter("Send either sample or url, not both.")
        given = given_type(image_type)
        # Before an image is fetched.
        require_image_type(model.card, given)
        if sample is not None:
            return await respond(request, [samples.read_image(sample)], views, evidence, given)
        if url is not None:
            return await respond(request, [await _fetch(url, settings)], views, evidence, given)
        raise MissingFile("Send sample=ID or url=ADDRESS, or send an image with POST.")


async def _fetch(url: str, settings: Settings) -> bytes:
    with anyio.move_on_after(FETCH_TIMEOUT_S):
        return await run_sync(
            lambda: fetch(url, hosts=settings.url_hosts, max_bytes=settings.max_upload_bytes), abandon_on_cancel=True
        )
    raise FetchFailed("The address returned no complete answer in time. Try again, or upload the image instead.")


def _add_information(app: FastAPI, settings: Settings, model: Model, samples: SampleGallery) -> None:
    classes = [ClassEntry(**asdict(entry)) for entry in model.card.classes]
    # Validated at the start: metadata of a foreign model file must not fail with a request.
    card = describe_model(model)

    @app.get("/api/classes")
    async def list_classes() -> list[ClassEntry]:
        """List the classes that the model distinguishes, and which of them count as malignant."""
        return classes

    # Without a response model, which would drop the file's further members.
    @app.get("/api/model", response_model=None, responses={200: {"model": ModelCard}})
    async def get_model() -> Response:
        """Return the model card: the metadata of the model file."""
        return JSONResponse(card)

    @app.get("/api/samples")
    async def list_samples() -> tuple[Sample, ...]:
        """List the sample gallery, with what the archive records of each image."""
        return samples.entries

    @app.get("/api/config")
    async def get_config() -> Config:
        """Return what a page needs to present the service: texts, links and limits."""
        return Config(
            title=settings.title,
            description=messages.DESCRIPTION,
            about=list(messages.ABOUT),
            links={"code": settings.code_url} if settings.code_url else {},
            limits=Limits(
                max_upload_bytes=settings.max_upload_bytes,
                max_images=MAX_IMAGES,
                max_pixels=MAX_PIXELS,
                max_pixels_of={
                    name: MAX_PIXELS_BY_KIND[name.lower()] for name in FORMATS if name.lower() in MAX_PIXELS_BY_KIND
                },
                formats=list(FORMATS),
            ),
            default_views=model.card.default_views,
        )

    @app.get("/api/ping")
    async def ping() -> str:
        """Return "pong" if the service is available."""
        return "pong"


def _add_docs(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        # Exception handlers answer with problems, which FastAPI's document does not include.
        document = generate()
        document["components"]["schemas"]["Problem"] = TypeAdapter(problems.Problem).json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it

    @app.get("/api/docs", include_in_schema=False, response_class=HTMLResponse)
    async def show_docs() -> str:
        return openapi_html.render(app.openapi(), problems.codes())

    @app.get("/api/docs.css", include_in_schema=False)
    async def docs_style() -> Response:
        return Response(openapi_html.STYLE, media_type="text/css")
