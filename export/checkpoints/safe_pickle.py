"""Pickles read as data: what a pickle says is recorded, and nothing that it names is imported or called.

A pickle is a program for a stack machine. `pickle.load` runs it, and with it any function that the file names. Here the
opcodes are interpreted one by one (`pickletools.genops`): a class or function becomes a `Reference`, calling it becomes
an `Inert` that keeps the arguments, setting its state is kept there too. Only what stands in a table of constructors,
given by the caller and written for hostile arguments, makes something else.
"""

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, TypeVar

from export.checkpoints.inert import Inert, Reference
from export.errors import UnpickleError

T = TypeVar("T")

OPCODES = 20_000_000
"""Largest number of opcodes in one pickle; a DenseNet161 learner has about 60,000."""


Constructor = Callable[..., Any]
Constructors = Mapping[Reference, Constructor]


def unpickle(stream: BytesIO, constructors: Constructors, persistent: Callable[[Any], Any]) -> Any:
    """Interpret one pickle, leaving the stream behind its end.

    Args:
        stream: where the pickle begins.
        constructors: what may be called, and what stands in for it; it must bear any arguments.
        persistent: gives the object that a persistent id stands for.

    Raises:
        UnpickleError: see there.
    """
    try:
        return _Machine(constructors, persistent).run(stream)
    except UnpickleError:
        raise
    except Exception as error:
        # Damage shows anywhere: an empty stack, a list where a number is due, an opcode that does not exist.
        raise UnpickleError(f"The pickle in it is damaged ({type(error).__name__}: {error}).") from error


_MARK = object()

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
_LITERALS = frozenset(
    (
        *("INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    )
)
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """Stack and memo of one pickle; the methods are its opcodes."""

    def __init__(self, constructors: Constructors, persistent: Callable[[Any], Any]) -> None:
        self.constructors, self.persistent = constructors, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: BytesIO) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > OPCODES:
                raise UnpickleError("The pickle in it is longer than any checkpoint's.")
            if opcode.name == "STOP":
                return self.stack.pop()
            self.step(opcode.name, argument)
        raise UnpickleError("The pickle in it has no end.")

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name not in ("PROTO", "FRAME"):
            handler = getattr(self, f"op_{name.lower()}", None)
            if handler is None:
                raise UnpickleError(f"The pickle in it uses {name}, which no checkpoint needs.")
            handler(argument)

    def since_mark(self) -> list[Any]:
        """Take everything above the topmost mark, and the mark."""
        place = next(index for index in reversed(range(len(self.stack))) if self.stack[index] is _MARK)
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def call(self, kind: Any, args: Any, keywords: Mapping[Any, Any] | None = None) -> Any:
        args = tuple(args)
        constructor = self.constructors.get(kind) if isinstance(kind, Reference) else None
        return constructor(*args) if constructor and not keywords else Inert(kind, args, keywords or {})

    def op_mark(self, _: None) -> None:
        self.stack.append(_MARK)

    def op_pop(self, _: None) -> None:
        self.stack.pop()

    def op_pop_mark(self, _: None) -> None:
        self.since_mark()

    def op_dup(self, _: None) -> None:
        self.stack.append(self.stack[-1])

    def op_memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def op_tuple(self, _: None) -> None:
        self.stack.append(tuple(self.since_mark()))

    def op_list(self, _: None) -> None:
        self.stack.append(self.since_mark())

    def op_dict(self, _: None) -> None:
        flat = self.since_mark()
        self.stack.append({_key(key): value for key, value in _pairs(flat)})

    def op_frozenset(self, _: None) -> None:
        self.stack.append(frozenset(map(_key, self.since_mark())))

    def op_append(self, _: None) -> None:
        self._extend([self.stack.pop()])

    def op_appends(self, _: None) -> None:
        self._extend(self.since_mark())

    def _extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        (target.values if isinstance(target, Inert) else _expect(target, list)).extend(values)

    def op_additems(self, _: None) -> None:
        values, target = self.since_mark(), self.stack[-1]
        if isinstance(target, Inert):
            target.values.extend(values)
        else:
            _expect(target, set).update(map(_key, values))

    def op_setitem(self, _: None) -> None:
        self._set([*reversed((self.stack.pop(), self.stack.pop()))])

    def op_setitems(self, _: None) -> None:
        self._set(self.since_mark())

    def _set(self, flat: list[Any]) -> None:
        target = self.stack[-1]
        entries = target.entries if isinstance(target, Inert) else _expect(target, dict)
        entries.update((_key(key), value) for key, value in _pairs(flat))

    def op_global(self, argument: str) -> None:
        # pickletools joins module and name, neither of which holds a space, by one.
        module, _, name = argument.partition(" ")
        self.stack.append(Reference(module, name))

    def op_stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(Reference(_expect(module, str), _expect(name, str)))

    def op_reduce(self, _: None) -> None:
        args, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(self.call(kind, _expect(args, tuple)))

    op_newobj = op_reduce

    def op_newobj_ex(self, _: None) -> None:
        keywords, args, kind = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(self.call(kind, _expect(args, tuple), _expect(keywords, dict)))

    def op_obj(self, _: None) -> None:
        kind, *args = self.since_mark()
        self.stack.append(self.call(kind, args))

    def op_inst(self, argument: str) -> None:
        args = self.since_mark()
        self.op_global(argument)
        self.stack.append(self.call(self.stack.pop(), args))

    def op_build(self, _: None) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Inert):
            target.state = state
        # What a constructor made has all it needs: an OrderedDict's attributes, a tensor's, are of no use here.

    def op_binpersid(self, _: None) -> None:
        self.stack.append(self.persistent(self.stack.pop()))


def _expect(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise UnpickleError(f"The pickle in it is damaged (a {type(value).__name__} where a {kind.__name__} is due).")
    return value


def _pairs(flat: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _key(value: Any) -> Any:
    """Keys are plain: hashing a deeply nested tuple overflows the interpreter's own stack."""
    parts = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(part, str | bytes | int | float | Reference | Inert | None) for part in parts):
        raise UnpickleError(f"The pickle in it is damaged (a {type(value).__name__} as a key).")
    return value


def ordered(pairs: Any = ()) -> "OrderedDict[Any, Any]":
    """What stands in for collections.OrderedDict: pickles give it nothing, or a list of pairs."""
    if not isinstance(pairs, list | tuple):
        raise UnpickleError("The pickle in it is damaged (a dict that is made of no pairs).")
    return OrderedDict((_key(key), value) for key, value in pairs)
