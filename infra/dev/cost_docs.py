"""Write every cost figure of the documents: `python -m infra.dev.cost_docs`, after `python -m infra.dev.prices`.

A figure or table stands between `<!-- cost:NAME -->` and `<!-- /cost -->`. `tests/infra/dev/test_cost_docs.py` fails where
one differs from what this command would write, and where an amount of US dollars stands outside of such a mark.
"""

import re
from pathlib import Path

from infra.config import Settings
from infra.dev.attack import attack_table, plan_table, private_mode_table
from infra.dev.cost import (
    EIGHT_VIEWS_MS,
    PredictionLoad,
    firewall_month,
    idle_costs,
    optional_costs,
    prediction_table,
    table,
)
from infra.dev.prices import entries

REPOSITORY = Path(__file__).parents[2]
MARK = re.compile(r"(<!-- cost:([a-z-]+) -->)(.*?)(<!-- /cost -->)", re.DOTALL)
IDLE = "USD a month, whether anybody calls or not"


def figures() -> dict[str, str]:
    """Return the text of each mark; tables start and end with a line break."""
    load = PredictionLoad()
    tables = {
        "prediction": prediction_table(load),
        "prediction-eight-views": prediction_table(PredictionLoad(ms=EIGHT_VIEWS_MS)),
        "idle-table": table(f"{IDLE}, with `topic_key`", idle_costs(), "together"),
        "idle-table-without-key": table(f"{IDLE}, without `topic_key`", idle_costs(topic_key=False), "together"),
        "optional": table("USD a month, for a setting or where free allowances are used up", optional_costs(load)),
        "attacks": attack_table(Settings()),
        "private-mode": private_mode_table(),
        "plans": plan_table(),
        "sources": _sources(),
    }
    return {
        **{name: f"\n{text}\n" for name, text in tables.items()},
        "idle": f"{sum(idle_costs().values()):.2f}",
        "idle-without-key": f"{sum(idle_costs(topic_key=False).values()):.2f}",
        "firewall": f"{firewall_month():.2f}",
    }


def _sources() -> str:
    rows = (
        f"| `{name}` | {item['usd']:.10f}".rstrip("0").rstrip(".")
        + f" | {item['unit']} | {item['region']} | {item['date']} | {item['source']} |"
        for name, item in entries().items()
    )
    return "\n".join(("| price | USD | per | region | date | source |", "|---|---|---|---|---|---|", *rows))


def documents() -> list[Path]:
    """Return the documents in which marks are looked for."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def filled(text: str) -> str:
    """Return a document with the text of each mark replaced.

    Raises:
        KeyError: a mark has a name that is not known.
    """
    known = figures()
    return MARK.sub(lambda found: f"{found[1]}{known[found[2]]}{found[4]}", text)


def main() -> None:
    """Write the documents."""
    for path in documents():
        text = path.read_text()
        if (new := filled(text)) != text:
            path.write_text(new)
            print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
