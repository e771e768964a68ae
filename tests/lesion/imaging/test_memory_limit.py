"""What decoding may take of memory, and that it leaves nothing behind that others would miss."""

import resource
import subprocess
import sys

import pytest
from lesion.imaging.memory_limit import MAX_BYTES_PER_IMAGE, limit_memory

from tests.support.paths import REPOSITORY


def run(code: str) -> str:
    """What a new process prints: in this one, other tests have left memory that would be taken first."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY / "lambda", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_more_than_a_photograph_needs_is_refused_while_one_is_decoded_and_not_before_or_after() -> None:
    assert run(_SIMPLE).split() == ["before", "little", "refused", "after"]


def test_two_at_a_time_have_room_for_two_and_the_limit_stays_until_the_last_is_done() -> None:
    usual = resource.getrlimit(resource.RLIMIT_DATA)
    with limit_memory():
        one = resource.getrlimit(resource.RLIMIT_DATA)[0]
        with limit_memory():
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == one + MAX_BYTES_PER_IMAGE
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == one
    assert resource.getrlimit(resource.RLIMIT_DATA) == usual


def test_an_error_ends_the_limit_too() -> None:
    usual = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ValueError, match="broken"), limit_memory():
        raise ValueError("broken")
    assert resource.getrlimit(resource.RLIMIT_DATA) == usual


def test_what_malloc_keeps_of_a_refused_one_is_neither_missing_nor_given_again() -> None:
    """A little more than is allowed comes from the heap's end, in part, and stays there under what was taken after it."""
    kept, most = map(int, run(_CHILD).split())
    assert kept > MAX_BYTES_PER_IMAGE // 2, "malloc kept nothing: this shows nothing"
    # Of what is free, 128 MB may be of no use, and do not count.
    assert most <= MAX_BYTES_PER_IMAGE + 128 * 2**20


_SIMPLE = """
from lesion.imaging.memory_limit import MAX_BYTES_PER_IMAGE, limit_memory

# Not touched, so no memory is behind them.
bytearray(2 * MAX_BYTES_PER_IMAGE)
print("before")
with limit_memory():
    bytearray(MAX_BYTES_PER_IMAGE * 3 // 4)
    print("little")
    try:
        bytearray(2 * MAX_BYTES_PER_IMAGE)
    except MemoryError:
        print("refused")
bytearray(2 * MAX_BYTES_PER_IMAGE)
print("after")
"""
_CHILD = """
import ctypes, threading
from lesion.imaging.memory_limit import MAX_BYTES_PER_IMAGE, _private_bytes, limit_memory

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def thread():
    started = threading.Thread(target=int)
    started.start()
    started.join()

# Leaves some megabytes free at the heap's end, as photographs do: the second, because glibc learns from the first
# (mallopt(3), M_MMAP_THRESHOLD).
libc.free(libc.malloc(30 * 2**20))
libc.free(libc.malloc(20 * 2**20))
kept = most = 0
before = _private_bytes()
for step in range(64):
    with limit_memory():
        large = libc.malloc(MAX_BYTES_PER_IMAGE + 2**20 * (step - 48))
        small = libc.malloc(100_000)
        thread()
        libc.free(large)
    thread()
    kept = max(kept, _private_bytes() - before)
for _ in range(3):
    with limit_memory():
        thread()
        large = [libc.malloc(32 * 2**20) for _ in range(64)]
        most = max(most, 32 * 2**20 * sum(one is not None for one in large))
        for one in large:
            libc.free(one)
    thread()
print(kept, most)
"""
