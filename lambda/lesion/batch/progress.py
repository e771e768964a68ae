"""Progress and summary of a batch on stderr: a bar on a terminal, otherwise a line now and then."""

import sys
from collections import Counter
from time import monotonic

from tqdm import tqdm

from lesion.batch.schema import Row

_SECONDS = 30.0
"""Between two lines where there is no terminal."""


class Progress:
    """Counts rows as they are completed."""

    def __init__(self, total: int, done: int) -> None:
        """Begin.

        Args:
            total: number of files.
            done: number of those that have a row already.
        """
        self._total, self._done, self._earlier = total, done, done
        self._started = self._shown = monotonic()
        self._bar = tqdm(total=total, initial=done, unit="image") if sys.stderr.isatty() else None
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, row: Row) -> None:
        """Count a row, and show the progress if it is time."""
        self._done += 1
        self._counts[row["status"], row.get("code") or row.get("decision") or ""] += 1
        if self._bar is not None:
            self._bar.update()
        elif monotonic() - self._shown > _SECONDS:
            self._shown = monotonic()
            _say(f"{self._done} of {self._total} images{self._rate()}")

    def finish(self) -> None:
        """Show how many images had which result."""
        if self._bar is not None:
            self._bar.close()
        earlier = f", {self._earlier} of them in an earlier run" if self._earlier else ""
        _say(f"{self._done} of {self._total} images{earlier}{self._rate()}")
        for status in ("ok", "refused", "error"):
            parts = {code: count for (own, code), count in self._counts.most_common() if own == status}
            if parts:
                _say(f"  {status}: {sum(parts.values())} ({', '.join(f'{code} {count}' for code, count in parts.items())})")

    def _rate(self) -> str:
        seconds = monotonic() - self._started
        new = self._done - self._earlier
        return f", {new / seconds:.1f} a second" if new and seconds > 0 else ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
