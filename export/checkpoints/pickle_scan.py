"""Check the opcodes of a pickle before it is loaded, so that loading it cannot exhaust memory or time.

The scan executes the pickle symbolically with the stack effects that `pickletools` documents. Of every value it only keeps
the nesting depth and the number of parts, and both only count tuples: tuples are the nested values that can be hashed, and
hashing one visits all of its parts, in recursion.
"""

import pickletools
from io import BytesIO

from export.errors import UnpickleError

LARGEST_COUNT = 20_000_000
"""Largest number of opcodes, and of values that are hashed; a DenseNet161 learner has about 60,000."""

LARGEST_DEPTH = 100
"""Largest depth of tuples in tuples."""

_REFUSED = frozenset(("EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER", "PERSID"))
"""The extension registry of `copyreg`, buffers outside of the file, and persistent ids as text."""

_TUPLES = frozenset(("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"))
_HASHING = frozenset(("DICT", "SETITEM", "SETITEMS", "ADDITEMS", "FROZENSET"))
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))

Shape = tuple[int, int]
"""Depth and number of parts; of everything but tuples (0, 1)."""

_MARK: Shape = (-1, 0)
_SINGLE: Shape = (0, 1)


def scan(stream: BytesIO) -> None:
    """Read one pickle from the stream, leaving it after the STOP opcode.

    Raises:
        UnpickleError: an opcode that no checkpoint contains, a memo index beyond the number of opcodes, tuples nested
            deeper than `LARGEST_DEPTH`, or more opcodes or hashed values than `LARGEST_COUNT`.
        ValueError, IndexError, KeyError: the pickle is damaged; claims of a length beyond its end are.
    """
    stack: list[Shape] = []
    memo: dict[int, Shape] = {}
    hashed = 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        name = opcode.name
        if name in _REFUSED:
            raise UnpickleError(f"The pickle in it uses {name}, which no checkpoint needs.")
        if name in _PUTS:
            # The unpickler's memo is an array that grows to the largest index.
            if not isinstance(argument, int) or not 0 <= argument <= count:
                raise UnpickleError(f"The pickle in it is damaged (memo index {argument} after {count} opcodes).")
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _GETS:
            assert isinstance(argument, int)
            stack.append(memo[argument])
        elif name == "DUP":
            stack.append(stack[-1])
        else:
            taken = _take(stack, opcode)
            hashed += sum(parts for _, parts in taken) if name in _HASHING else 0
            result = _tuple_of(taken) if name in _TUPLES else _SINGLE
            stack.extend(_MARK if kind is pickletools.markobject else result for kind in opcode.stack_after)
        if count > LARGEST_COUNT or hashed > LARGEST_COUNT:
            raise UnpickleError("The pickle in it is longer than any checkpoint's.")


def _take(stack: list[Shape], opcode: pickletools.OpcodeInfo) -> list[Shape]:
    """Remove the operands of an opcode from the stack and return those above the mark, or all where there is no mark."""
    before = opcode.stack_before
    if pickletools.markobject not in before:
        taken = stack[len(stack) - len(before) :]
        if len(taken) != len(before):
            raise IndexError("an empty stack")
        del stack[len(stack) - len(before) :]
        return taken
    place = len(stack) - 1 - stack[::-1].index(_MARK)
    taken = stack[place + 1 :]
    # A container below the mark (APPENDS, SETITEMS, ADDITEMS) is pushed again by `stack_after`.
    del stack[place - before.index(pickletools.markobject) :]
    return taken


def _tuple_of(parts: list[Shape]) -> Shape:
    depth = 1 + max((depth for depth, _ in parts), default=0)
    if depth > LARGEST_DEPTH:
        raise UnpickleError("The pickle in it is damaged (its tuples are nested deeper than any checkpoint's).")
    return depth, min(1 + sum(count for _, count in parts), LARGEST_COUNT + 1)
