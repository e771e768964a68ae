"""Type of a case: the expected outcome and a function that returns the file."""

import random
from collections.abc import Callable

CLASSIFIED = "classified"
"""Outcome of a file that is decoded: an answer, which may be a refusal. Every other outcome is the code of a problem."""

Case = tuple[str, Callable[[], bytes]]


def noise(size: int, seed: int = 1) -> bytes:
    """Return `size` reproducible random bytes."""
    return random.Random(seed).randbytes(size)
