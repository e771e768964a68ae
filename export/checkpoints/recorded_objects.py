"""Objects of a pickle that were recorded instead of created (`export.checkpoints.safe_pickle`), and their conversion."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from export.errors import UnpickleError


class RecordedObject:
    """An object of a pickle that was not created: the call that would have created it, and its contents.

    Attributes:
        module, name: of the class or function, on the class of the record.
        args, keywords: its arguments.
        state: the operand of BUILD, in most cases the instance's `__dict__`.
        values: the items of a subclass of list or set.
        entries: the items of a subclass of dict.
    """

    __slots__ = ("args", "entries", "keywords", "state", "values")

    module = ""
    name = ""
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    state: Any
    values: list[Any]
    entries: dict[Any, Any]

    def __new__(cls, *args: Any, **keywords: Any) -> Any:
        """Record a call."""
        self = super().__new__(cls)
        self.args, self.keywords, self.state, self.values, self.entries = args, keywords, None, [], {}
        return self

    def __call__(self, *args: Any, **keywords: Any) -> "RecordedObject":
        """Record a call of this object: fastai v2 pickles calls of bound methods."""
        result: RecordedObject = RecordedObject(*args, **keywords)
        return result

    def __setstate__(self, state: Any) -> None:
        """Record BUILD."""
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Record SETITEM."""
        self.entries[key] = value

    def append(self, value: Any) -> None:
        """Record APPEND, or one of ADDITEMS."""
        self.values.append(value)

    add = append

    def extend(self, values: list[Any]) -> None:
        """Record APPENDS."""
        self.values.extend(values)

    @property
    def fields(self) -> dict[str, Any]:
        """Return the attributes that the object would have, of `__dict__` and of `__slots__`."""
        parts = self.state if isinstance(self.state, tuple) else (self.state,)
        return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}


def global_name(value: Any) -> str:
    """Return the dotted name of a class or function that a pickle refers to; empty for any other value."""
    return f"{value.module}.{value.name}" if isinstance(value, type) and issubclass(value, RecordedObject) else ""


def iterate_objects(root: Any) -> Iterator[RecordedObject]:
    """Yield every record that can be reached from `root`, each once, parents before children."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float):
            continue
        seen.add(id(value))
        parts: list[Any] = []
        if isinstance(value, RecordedObject):
            yield value
            parts = [*value.args, *value.keywords.values(), value.state, *value.values, *value.entries.values()]
        elif isinstance(value, dict):
            parts = [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            parts = list(value)
        waiting.extend(reversed(parts))


def to_builtin(value: Any) -> Any:
    """Convert recorded numpy arrays and scalars and fastcore containers to built-in types; return other values unchanged.

    Raises:
        UnpickleError: a numpy array of another type than numbers and text, or whose buffer has another size.
    """
    if not isinstance(value, RecordedObject):
        return value
    if value.name == "scalar" and len(value.args) == 2:
        [number] = _array_values(value.args[0], value.args[1], 1)
        return number
    if value.name == "_reconstruct" and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, dtype, _, data = value.state
        count = int(np.prod(shape, dtype=object))
        return data if isinstance(data, list) else _array_values(dtype, data, count)
    if value.name in ("L", "CategoryMap"):
        return to_builtin(value.fields.get("items"))
    return value


def _array_values(dtype: Any, data: Any, count: int) -> list[Any]:
    """Return the values of a numpy buffer; the arguments of a recorded dtype are its short name and two flags."""
    name = dtype.args[0] if isinstance(dtype, RecordedObject) and dtype.name == "dtype" and dtype.args else None
    if isinstance(name, str) and name[:1] in "bifuU" and isinstance(data, bytes):
        size = np.dtype(name).itemsize
        if len(data) == count * size:
            return list(np.frombuffer(data, np.dtype(name).newbyteorder("<")).tolist())
    raise UnpickleError(f"The pickle in it has a numpy array of a kind that is not read ({name}).")
