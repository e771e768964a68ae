"""Literal events of API Gateway and of other AWS services, as JSON files in tests/support/events."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).with_name("events")
Handler = Callable[[Any, Any], dict[str, Any]]
"""A Lambda handler: event and context to response."""


def event(name: str) -> Any:
    """Return a fresh copy of the event stored as `name`.json."""
    return json.loads((EVENTS / f"{name}.json").read_text())
