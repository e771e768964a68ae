"""The settings as a table for the documentation."""

from typing import Any

from infra.config.settings import Settings


def settings_table() -> str:
    """Return the settings as the Markdown table that docs/operations.md contains."""
    rows = [f"| `{name}` | {_cell(item.default)} | {item.description} |" for name, item in Settings.model_fields.items()]
    return "\n".join(("| setting | default | meaning |", "|---|---|---|", *rows))


def _cell(value: Any) -> str:
    return "" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"
