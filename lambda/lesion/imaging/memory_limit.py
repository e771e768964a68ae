"""Limit the memory that decoding one image may take: the kernel refuses more, so that the process survives."""

import ctypes
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

MAX_BYTES_PER_IMAGE = 400 * 1024 * 1024
"""Bytes that decoding one image may allocate. The costliest accepted images take 300 MB, the rejected ones gigabytes."""

_FRAGMENTED_BYTES = 128 * 1024 * 1024
"""Bytes that malloc may hold free in pieces too small for an image's pixels: they do not count as available."""

_STATM = Path("/proc/self/statm")
_lock = Lock()
_decoding = 0
"""Number of images that are being decoded."""
_bytes_before = 0
"""Bytes that the process used when the first of these began."""
_usual_limit = resource.RLIM_INFINITY
_bytes_at_first: int | None = None
"""Bytes in use when the first image of this process came."""


@contextmanager
def limit_memory() -> Iterator[None]:
    """Let the process grow by at most `MAX_BYTES_PER_IMAGE` for each image that is being decoded in this context.

    Some decoders believe the stream inside a file rather than the size in its header: an AVIF of 2 KB that declares 10 x 10
    can contain 268 megapixels. An allocation beyond the limit fails, and the image is rejected as corrupt. Linux counts
    private writable memory (setrlimit(2), RLIMIT_DATA); on other systems nothing is limited.

    The limit ends with the decoding: glibc may keep hundreds of megabytes of address space after a decoder returns, and
    later allocations, such as a new thread's stack, must not fail for that.
    """
    if not _STATM.is_file():
        yield
        return
    _change_count(1)
    try:
        yield
    finally:
        _change_count(-1)


def _change_count(change: int) -> None:
    global _decoding, _bytes_before, _usual_limit, _bytes_at_first
    with _lock:
        if _decoding == 0:
            private = _private_bytes()
            if _bytes_at_first is None:
                _bytes_at_first = private - _free_heap_bytes()
            # Asking malloc takes most of a millisecond. If the process has not grown since, that much cannot be free.
            free = _free_heap_bytes() if private - _bytes_at_first > _FRAGMENTED_BYTES else 0
            _bytes_before = private - max(0, min(free, MAX_BYTES_PER_IMAGE) - _FRAGMENTED_BYTES)
            _usual_limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
        _decoding += change
        _set_limit(_bytes_before + _decoding * MAX_BYTES_PER_IMAGE if _decoding else _usual_limit)


def _set_limit(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [limit for limit in (most, hard, _usual_limit) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds, default=resource.RLIM_INFINITY), hard))


def _private_bytes() -> int:
    """Return the bytes that RLIMIT_DATA counts plus the stack's, which are few (proc(5), statm, sixth field)."""
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


def _free_heap_bytes() -> int:
    """Return the bytes that malloc holds and hands out before it asks the kernel; 0 if the C library is not glibc."""
    mallinfo = _mallinfo()
    return int(mallinfo().fordblks) if mallinfo else 0


@cache
def _mallinfo() -> Callable[[], _Mallinfo] | None:
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo:
        mallinfo.restype = _Mallinfo
    return mallinfo
