"""Responses conform to the OpenAPI document: `schemathesis` generates requests from it.

Each request is sent to the application in this process. Status, content type, headers and body of the response must be
documented for the operation, and requests that the document excludes must be rejected.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance


@pytest.fixture
def document(stand_in: Model) -> schemathesis.BaseSchema:
    app = create_app(Settings(url_hosts=frozenset({"images.example.org"})), stand_in)
    return schemathesis.openapi.from_asgi("/api/openapi.json", app)


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_responses_conform_to_the_openapi_document(
    document: schemathesis.BaseSchema, mode: schemathesis.GenerationMode
) -> None:
    # Not with its decorator, which needs an API that pytest 9 has removed.
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    assert {operation.label for operation in operations} >= {"POST /api/classify", "GET /api/classify", "GET /api/model"}
    if mode is schemathesis.GenerationMode.NEGATIVE:
        # The other operations have no parameters.
        operations = [operation for operation in operations if operation.path == "/api/classify"]
    for operation in operations:

        @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def every_answer(case: schemathesis.Case[Any]) -> None:
            # The document cannot express that a body must be an image.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        every_answer()
