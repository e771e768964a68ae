"""Unpickler that imports and calls nothing that a pickle names.

`find_class` of the standard library's unpickler is the only way from a pickle to code. Here it returns a subclass of
`RecordedObject` for every name: creating an instance records the arguments. The constructors that the caller supplies
for a few names are written for hostile arguments; their results stay hidden from the unpickler, whose opcodes call methods
of any object (`__setstate__`, `add`, `__setitem__`), until it is done. `export.checkpoints.pickle_scan` runs before.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import numpy as np

from export.checkpoints.pickle_scan import scan
from export.errors import UnpickleError

LARGEST_NAMES = 10_000
"""Largest number of different classes and functions in one pickle; each becomes a class."""

Constructors = Mapping[str, Callable[..., Any]]
"""Dotted name -> what is called in place of the class or function of this name."""


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


def unpickle(stream: BytesIO, constructors: Constructors, persistent: Callable[[Any], Any]) -> Any:
    """Load one pickle, leaving the stream after its end.

    Args:
        stream: positioned at the beginning of the pickle.
        constructors: what is called in place of a few names; must tolerate any arguments.
        persistent: returns the object of a persistent id.

    Returns:
        built-in values, results of the constructors, and a `RecordedObject` for everything else.

    Raises:
        UnpickleError: the pickle is damaged or hostile.
    """
    try:
        start = stream.tell()
        scan(stream)
        data = stream.getbuffer()[start : stream.tell()]
        return _show_results(_Unpickler(BytesIO(data), constructors, persistent).load())
    except UnpickleError:
        raise
    except Exception as error:
        # The unpickler raises anything from AttributeError to UnicodeDecodeError, depending on the damage.
        raise UnpickleError(f"The pickle in it is damaged ({type(error).__name__}: {error}).") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BytesIO, constructors: Constructors, persistent: Callable[[Any], Any]) -> None:
        super().__init__(stream, encoding="latin1")
        self.constructors, self.persistent = constructors, persistent
        self.classes: dict[tuple[str, str], type] = {}

    def find_class(self, module: str, name: str) -> Any:
        key = module, name
        if key not in self.classes:
            if len(self.classes) >= LARGEST_NAMES:
                raise UnpickleError("The pickle in it names more classes than any checkpoint.")
            body: dict[str, Any] = {"__slots__": (), "module": module, "name": name}
            constructor = self.constructors.get(f"{module}.{name}")
            if constructor is not None:
                body["__new__"] = _hidden(constructor)
            self.classes[key] = OrderedDictRecord if key == ("collections", "OrderedDict") else _class(body)
        return self.classes[key]

    def persistent_load(self, identity: Any) -> Any:
        return _hide(self.persistent(identity))


def _class(body: dict[str, Any]) -> type:
    # The pickle's own name can contain characters that a type's name cannot.
    return type("Recorded", (RecordedObject,), body)


class _Result:
    """A tensor or storage, hidden from the unpickler."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __setstate__(self, state: Any) -> None:
        """Ignore attributes, which no reader of a checkpoint uses."""


def _hide(value: Any) -> Any:
    return value if isinstance(value, bytes | type | RecordedObject | _Result) else _Result(value)


def _hidden(constructor: Callable[..., Any]) -> Callable[..., Any]:
    def create(cls: type, *args: Any) -> Any:
        return _hide(constructor(*(arg.value if isinstance(arg, _Result) else arg for arg in args)))

    return create


class OrderedDictRecord(OrderedDict[Any, Any]):
    """An OrderedDict that ignores further attributes: state dicts have `_metadata`."""

    def __init__(self, pairs: Any = ()) -> None:
        """Create a dict of nothing, or of a list of pairs.

        Raises:
            UnpickleError: `pairs` is something else, or a key is a container.
        """
        if not isinstance(pairs, list | tuple):
            raise UnpickleError("The pickle in it is damaged (a dict that is made of no pairs).")
        if any(isinstance(key, tuple | frozenset) for key, _ in pairs):
            raise UnpickleError("The pickle in it is damaged (a container as a key).")
        super().__init__(pairs)

    def __setstate__(self, state: Any) -> None:
        """Ignore attributes, which could replace methods."""


def _show_results(root: Any) -> Any:
    """Replace every `_Result` that can be reached from `root` by its value, in place except for tuples."""
    waiting: list[Any] = []
    visited: dict[int, Any] = {}  # keeps its values alive, so that an id stands for one object
    tuples: dict[int, tuple[Any, Any]] = {}

    def show(value: Any) -> Any:
        if isinstance(value, _Result):
            return value.value
        if isinstance(value, tuple):
            # The depth is limited by the scan.
            if id(value) not in tuples:
                tuples[id(value)] = value, tuple(map(show, value))
            return tuples[id(value)][1]
        if isinstance(value, list | dict | RecordedObject) and id(value) not in visited:
            visited[id(value)] = value
            waiting.append(value)
        return value

    shown = show(root)
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            value[:] = map(show, value)
        elif isinstance(value, dict):
            for key in value:
                value[key] = show(value[key])
        else:
            value.args, value.state = show(value.args), show(value.state)
            for part in (value.keywords, value.values, value.entries):
                show(part)
    return shown


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
