"""The service answers as its own OpenAPI document says, whatever is asked: `schemathesis` makes requests of that document.

Each request is sent to the application in this process; status, type, headers and body of the answer must be among what the
document lists for the operation, and requests that the document rules out must not be accepted.
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
def test_every_answer_is_in_the_document(document: schemathesis.BaseSchema, mode: schemathesis.GenerationMode) -> None:
    # Not by its decorator, which asks pytest for what version 9 has not.
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    assert {operation.label for operation in operations} >= {"POST /api/classify", "GET /api/classify", "GET /api/model"}
    if mode is schemathesis.GenerationMode.NEGATIVE:
        # The others have nothing that could be wrong.
        operations = [operation for operation in operations if operation.path == "/api/classify"]
    for operation in operations:

        @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def every_answer(case: schemathesis.Case[Any]) -> None:
            # That bytes are a photograph is more than a document can say.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        every_answer()
