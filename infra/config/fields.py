"""Types of settings. `-c key=value` on the command line is text, whatever the type, so text is converted first."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

HOST = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
"""Pattern of a host name."""


def parse_switch(value: Any) -> Any:
    """Convert "true" and "false"; return any other value as it is."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def parse_number(value: Any) -> Any:
    """Convert a text of digits; return any other value as it is."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else value


def parse_choice(value: Any) -> Any:
    """Convert a number to text: 100 without quotation marks is a number in JSON."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def refuse_bool(value: Any) -> Any:
    """Return the value as it is.

    Raises:
        ValueError: it is a boolean, which `Literal[1]` would accept.
    """
    if isinstance(value, bool):
        raise ValueError("a boolean is not a number")
    return value


Switch = Annotated[StrictBool, BeforeValidator(parse_switch)]
Number = Annotated[StrictInt, BeforeValidator(parse_number)]


def text(default: str, description: str, pattern: str, example: str) -> Any:
    """Return a text field that must match `pattern` as a whole, or be empty where that is its default."""
    optional = "?" if default == "" else ""
    return Field(default, description=description, pattern=f"^(?:{pattern}){optional}$", examples=[example])
