"""The state of a visit: changed in one place, drawn in another."""

import re
from typing import Any

from infra.packaging.bundle import SITE
from tests.support.site.photo_quality import node

APP = SITE / "js" / "app"
STORE = """
    const { getVisit, update, batch, subscribe, watch, whenChanged } = await import("MODULE");
    const seen = [];
    const drawn = [];
    const draw = whenChanged((views, note) => drawn.push([views, note]));
    subscribe(({ views, note }) => draw(views, note));
    subscribe(({ views }) => seen.push(views));
    watch(({ views }) => views, (now, before) => {
        seen.push(`from ${before} to ${now}`);
        // A change by a listener reaches all of them.
        if (now === 8) update({ note: "nested" });
    });
    update({ views: 1 });
    update({ views: 8 });
    batch(() => {
        update({ views: 1 });
        batch(() => update({ views: 2 }));
        update({ progress: getVisit().views });
    });
    try { batch(() => { update({ views: 3 }); throw new Error("stopped"); }); } catch {}
    update({ views: 4 });
    console.log(JSON.stringify({ seen, drawn, progress: getVisit().progress }));
"""
"""What listeners see of changes, and what is drawn."""
# Of an element: what it shows, and whether it is shown.
DRAWS = re.compile(
    r"\.(?:hidden|disabled|checked|textContent|classList|dataset|style|replaceChildren|append)\b|\bset(?:Plain)?Text\("
)


def test_store_calls_listeners_and_draws_changes_once() -> None:
    """Changes arrive in order, those of a batch together; nothing is drawn twice."""
    found: dict[str, Any] = node(STORE.replace("MODULE", (SITE / "js" / "store.js").as_uri()))
    assert found["seen"] == [1, 8, "from 1 to 8", 8, 2, "from 8 to 2", 3, "from 2 to 3", 4, "from 3 to 4"]
    assert found["drawn"] == [[1, None], [8, None], [8, "nested"], [2, "nested"], [3, "nested"], [4, "nested"]]
    assert found["progress"] == 2


def test_actions_leave_drawing_to_render() -> None:
    """An action changes the state, moves the focus or announces; it shows and hides nothing."""
    assert DRAWS.search((APP / "photo-card.js").read_text())
    for name in ("actions.js", "photo-list.js", "photo-tools.js", "lesion.js", "lesion-state.js", "previews.js"):
        assert DRAWS.findall((APP / name).read_text()) == [], name
