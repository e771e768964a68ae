"""A time limit for work in steps, with a bar that shows its progress."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

from export.errors import QuantisationError

Item = TypeVar("Item")


class Deadline:
    """The end of the time for the int8 network."""

    def __init__(self, seconds: float = math.inf) -> None:
        """Start the time."""
        self._seconds, self._end = seconds, time.monotonic() + seconds

    def check(self, items: Sequence[Item], what: str) -> Iterator[Item]:
        """Yield items, show their progress, and check the time before each.

        Args:
            items: the steps.
            what: is done, for the bar.

        Raises:
            QuantisationError: the time is over.
        """
        for item in tqdm(items, what, leave=False, mininterval=1):
            if time.monotonic() > self._end:
                raise QuantisationError(f"it takes more than {self._seconds:.0f} s (--int8-seconds)")
            yield item
