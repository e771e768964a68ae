"""Locks between processes, for what several pytest workers would otherwise build at the same time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.paths import REPOSITORY


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Hold the lock `name` of this repository; the system releases it with the end of the process, however that ends."""
    folder = REPOSITORY / "build" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
