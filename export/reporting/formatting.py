"""Figures with their intervals as text."""

from export.arrays import Figures


def format_interval(entry: Figures) -> str:
    """Return a figure with its interval as text, or `-` without a value.

    Args:
        entry: `value`, `low` and `high`, all numbers or all None.
    """
    if entry["value"] is None:
        return "-"
    return f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"


def format_percent(entry: Figures) -> str:
    """Return a share with its interval in percent as text, or `-` without a value."""
    if entry["value"] is None:
        return "-"
    return f"{entry['value']:.1%} ({entry['low']:.1%}-{entry['high']:.1%})"


def format_per_hundred(share: float | None, digits: int) -> str:
    """Return a share as a number out of 100 with that many decimals, or `-`."""
    return "-" if share is None else f"{100 * share:.{digits}f}"


def format_change(entry: Figures) -> str:
    """Return a difference with sign and interval as text, or `-` without an interval."""
    return "-" if entry["low"] is None else f"{entry['value']:+.3f} ({entry['low']:+.3f} to {entry['high']:+.3f})"
