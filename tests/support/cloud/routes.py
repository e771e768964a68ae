"""Routes of an HTTP API."""

import re
from dataclasses import dataclass
from typing import Any

from tests.support.cloud.template import NotEmulated, know


@dataclass(frozen=True)
class Route:
    """A route; `integration` is the name of the integration that answers it."""

    method: str
    path: str
    pattern: re.Pattern[str]
    integration: str

    @classmethod
    def read(cls, properties: dict[str, Any]) -> "Route":
        """Return the route of resolved properties."""
        know(properties, "A route", ("ApiId", "AuthorizationType", "RouteKey", "Target"))
        if properties.get("AuthorizationType", "NONE") != "NONE":
            raise NotEmulated(f"A route with the authorization {properties['AuthorizationType']}.")
        integration = properties["Target"].removeprefix("integrations/")
        method, _, path = properties["RouteKey"].rpartition(" ")
        if path == "$default":
            return cls("", path, re.compile(r".*"), integration)
        pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}").replace(r"\+", "+")
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", pattern)
        return cls(method, path, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)), integration)

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}" if self.method else self.path
