"""Decoding has a memory limit, which has no effect on anything else."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from lesion.imaging import memory_limit
from lesion.imaging.memory_limit import MAX_BYTES_PER_IMAGE, limit_memory

from tests.support.paths import REPOSITORY


def run(code: str) -> str:
    """Return what a new process prints: in this process, malloc may hold free memory of other tests."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY / "lambda", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_limit_applies_only_while_decoding() -> None:
    assert run(_SIMPLE).split() == ["before", "little", "refused", "after"]


def test_limit_grows_with_concurrent_decodes() -> None:
    usual = resource.getrlimit(resource.RLIMIT_DATA)
    with limit_memory():
        one = resource.getrlimit(resource.RLIMIT_DATA)[0]
        with limit_memory():
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == one + MAX_BYTES_PER_IMAGE
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == one
    assert resource.getrlimit(resource.RLIMIT_DATA) == usual


def test_limit_ends_with_an_error() -> None:
    usual = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ValueError, match="broken"), limit_memory():
        raise ValueError("broken")
    assert resource.getrlimit(resource.RLIMIT_DATA) == usual


def test_limit_ignores_memory_that_malloc_keeps() -> None:
    """A large block that is slightly above the limit may leave part of the heap to malloc, below a later small block."""
    kept, most = map(int, run(_CHILD).split())
    assert kept > MAX_BYTES_PER_IMAGE // 2, "malloc kept nothing, so this tests nothing"
    # Up to 128 MB of the free memory may be fragmented, and do not count.
    assert most <= MAX_BYTES_PER_IMAGE + 128 * 2**20


_SIMPLE = """
from lesion.imaging.memory_limit import MAX_BYTES_PER_IMAGE, limit_memory

# Never written, so it takes no memory.
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

# The second leaves some megabytes free at the heap's end, as decoding does, because the first raised glibc's threshold
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


def test_limit_is_absent_on_other_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only Linux has /proc/self/statm."""
    monkeypatch.setattr(memory_limit, "_STATM", tmp_path / "statm")
    usual = resource.getrlimit(resource.RLIMIT_DATA)
    with limit_memory():
        assert resource.getrlimit(resource.RLIMIT_DATA) == usual


def test_limit_works_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other C libraries have no mallinfo2."""
    monkeypatch.setattr(memory_limit, "_mallinfo", lambda: None)
    monkeypatch.setattr(memory_limit, "_bytes_at_first", None)
    usual = resource.getrlimit(resource.RLIMIT_DATA)
    with limit_memory():
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] >= MAX_BYTES_PER_IMAGE
    assert resource.getrlimit(resource.RLIMIT_DATA) == usual
