"""Settings with which Lambda starts the function behind an alias."""

from dataclasses import dataclass
from typing import Any

from tests.support.cloud.template import NotEmulated, Template


@dataclass(frozen=True)
class FunctionSettings:
    """Settings of a function."""

    environment: tuple[tuple[str, str], ...]
    memory: int
    seconds: int
    name: str

    @classmethod
    def read(cls, template: Template, alias: str) -> "FunctionSettings":
        """Return the settings of the function behind an alias, with Lambda's defaults where the template has none."""
        function = function_of(template, alias)
        variables = template.resolve(function.get("Environment", {}).get("Variables", {}))
        memory, seconds = function.get("MemorySize", 128), function.get("Timeout", 3)
        return cls(tuple(sorted(variables.items())), memory, seconds, alias.split(":")[-2])


def function_of(template: Template, alias: str) -> dict[str, Any]:
    """Return the unresolved properties of the function behind an alias, by its ARN."""
    aliases = template.named("AWS::Lambda::Alias")
    if alias not in aliases:
        raise NotEmulated(f"The API calls {alias}, which is no alias of the template.")
    return template.named("AWS::Lambda::Function")[template.resolve(aliases[alias]["FunctionName"])]
