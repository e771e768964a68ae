"""Parsers of numbers for options: a value outside its limits is an error of the command line."""

import argparse
import math
from collections.abc import Callable

SMALLEST_SIDE = 32
"""Pixels: networks halve the image five times, so that less leaves no feature map to normalise over."""


def whole(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `least` on; it raises argparse.ArgumentTypeError."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


def real(least: float, greatest: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """Return a parser of numbers within limits; it raises argparse.ArgumentTypeError.

    Args:
        least: the smallest number.
        greatest: the largest number.
        above: whether `least` itself is too small.
    """
    limits = f"above {least:g}" if above else f"from {least:g} on"
    if greatest < math.inf:
        limits += f", at most {greatest:g}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        # NaN and infinity are within no limits.
        if not (least <= value <= greatest) or (above and value == least) or math.isinf(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {limits}")
        return value

    return parse
