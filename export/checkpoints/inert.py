"""What is recorded of a pickle instead of being made: names of classes and functions, calls of them, and their results.

`export.checkpoints.safe_pickle` writes these records, the readers look through them. Nothing here does anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from export.errors import UnpickleError


@dataclass(frozen=True)
class Reference:
    """A class or function that a pickle names; it is neither looked up nor imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Inert:
    """What a pickle would have made by calling something: the call and what was done to its result, as recorded.

    Attributes:
        kind: what would have been called; a `Reference`, unless the pickle is odd.
        args: positional arguments, and keyword arguments where there are any.
        state: of BUILD: mostly the instance's `__dict__`.
        values: of APPEND and ADDITEMS, what a subclass of list or set holds.
        entries: of SETITEMS, what a subclass of dict holds.
    """

    kind: Any
    args: tuple[Any, ...] = ()
    keywords: Mapping[Any, Any] = field(default_factory=dict)
    state: Any = None
    values: list[Any] = field(default_factory=list)
    entries: dict[Any, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The class's or function's name without its module; empty where the pickle is odd."""
        return self.kind.name if isinstance(self.kind, Reference) else ""

    @property
    def fields(self) -> dict[str, Any]:
        """The attributes it would have had: of `__dict__` and of `__slots__`."""
        parts = self.state if isinstance(self.state, tuple) else (self.state,)
        return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}


def walk(root: Any) -> Iterator[Inert]:
    """Every placeholder that can be reached from `root`, each once, parents before children."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float):
            continue
        seen.add(id(value))
        parts: list[Any] = []
        if isinstance(value, Inert):
            yield value
            parts = [*value.args, *value.keywords.values(), value.state, *value.values, *value.entries.values()]
        elif isinstance(value, dict):
            parts = [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            parts = list(value)
        waiting.extend(reversed(parts))


def plain(value: Any) -> Any:
    """numpy's and fastcore's containers and scalars as Python's own; everything else as it is."""
    if not isinstance(value, Inert):
        return value
    if value.name == "scalar" and len(value.args) == 2:
        [number] = _array(value.args[0], value.args[1], 1)
        return number
    if value.name == "_reconstruct" and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, kind, _, data = value.state
        count = int(np.prod(shape, dtype=object))
        return data if isinstance(data, list) else _array(kind, data, count)
    if value.name in ("L", "CategoryMap"):
        return plain(value.fields.get("items"))
    return value


def _array(kind: Any, data: Any, count: int) -> list[Any]:
    """The numbers or texts in a numpy buffer. dtype's arguments are its short name and two flags."""
    name = kind.args[0] if isinstance(kind, Inert) and kind.name == "dtype" and kind.args else None
    if isinstance(name, str) and name[:1] in "bifuU" and isinstance(data, bytes):
        size = np.dtype(name).itemsize
        if len(data) == count * size:
            return list(np.frombuffer(data, np.dtype(name).newbyteorder("<")).tolist())
    raise UnpickleError(f"The pickle in it has a numpy array of a kind that is not read ({name}).")
