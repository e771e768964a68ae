"""How much memory decoding one photograph may take: more is refused by the kernel, instead of ending the process."""

import ctypes
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

MOST = 400 * 1024 * 1024
"""Bytes for one photograph. The costliest that are read take 300 MB; what is refused on purpose would take gigabytes."""

_SCATTERED = 128 * 1024 * 1024
"""Bytes that malloc may hold free in pieces of which a picture's pixels cannot be made: they do not count as room."""

_STATM = Path("/proc/self/statm")
_lock = Lock()
_decoding = 0
_before = 0
"""Bytes that the process used when the first of those decoded now began."""
_usual = resource.RLIM_INFINITY
_first: int | None = None
"""Bytes in use when the first photograph came."""


@contextmanager
def headroom() -> Iterator[None]:
    """While a photograph is decoded in here, let the process grow by `MOST` for each decoded now, and no further.

    Some decoders believe the stream inside a file rather than the size that the file announces: an AVIF of 2 KB that says
    10 x 10 can hold 268 megapixels. Where they ask for more than there is, they fail, and the photograph is refused as
    damaged. Linux counts what is private and writable (setrlimit(2), RLIMIT_DATA); elsewhere nothing is done.

    The limit ends with the decoding: glibc may keep hundreds of megabytes of address space of what a decoder asked for, and
    what comes later, a new thread for one, must not fail for that.
    """
    if not _STATM.is_file():
        yield
        return
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _decoding, _before, _usual, _first
    with _lock:
        if _decoding == 0:
            private = _private()
            if _first is None:
                _first = private - _freed()
            # Asking malloc takes most of a millisecond. Where the process has not grown since, not so much can be free.
            free = _freed() if private - _first > _SCATTERED else 0
            _before = private - max(0, min(free, MOST) - _SCATTERED)
            _usual = resource.getrlimit(resource.RLIMIT_DATA)[0]
        _decoding += change
        _limit(_before + _decoding * MOST if _decoding else _usual)


def _limit(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [limit for limit in (most, hard, _usual) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds, default=resource.RLIM_INFINITY), hard))


def _private() -> int:
    """Bytes of what the limit counts, and the stack's, a few more (proc(5), statm, the sixth field)."""
    return int(_STATM.read_text().split()[5]) * resource.getpagesize()


class _Mallinfo(ctypes.Structure):
    # mallinfo(3)
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _freed() -> int:
    """Bytes that malloc holds and gives out before it asks the kernel for more; 0 where it is not glibc's."""
    mallinfo = _mallinfo()
    return int(mallinfo().fordblks) if mallinfo else 0


@cache
def _mallinfo() -> Callable[[], _Mallinfo] | None:
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo:
        mallinfo.restype = _Mallinfo
    return mallinfo
