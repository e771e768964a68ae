"""Unpickler that imports and calls nothing that a pickle names.

`find_class` of the standard library's unpickler is the only way from a pickle to code. Here it returns a subclass of
`RecordedObject` for every name: creating an instance records the arguments. The constructors that the caller supplies
for a few names are written for hostile arguments; their results stay hidden from the unpickler, whose opcodes call methods
of any object (`__setstate__`, `add`, `__setitem__`), until it is done. `export.checkpoints.pickle_scan` runs before.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from export.checkpoints.pickle_scan import scan
from export.checkpoints.recorded_objects import RecordedObject
from export.errors import UnpickleError

LARGEST_NAMES = 10_000
"""Largest number of different classes and functions in one pickle; each becomes a class."""

Constructors = Mapping[str, Callable[..., Any]]
"""Dotted name -> what is called in place of the class or function of this name."""


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
