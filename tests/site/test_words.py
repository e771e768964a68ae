"""Every view in every language: no broken word in a button or heading, nothing too wide, no objection of axe-core.

test_audit.py checks each view in German at 320 px in the quick selection.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from tests.support.site.audit import AXE, too_wide, violations
from tests.support.site.languages import LANGUAGES
from tests.support.site.views import VIEWS
from tests.support.site.words import broken_words, switch_language

WINDOWS = [(width, percent) for width in (320, 390, 768, 1280, 1920) for percent in (100, 200)]
"""Width in px, text size in percent."""
PAPER = [(688, 100)]
"""A4 without the margins of print.css."""
HEIGHT = 844
NARROWEST = 320


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_view_is_right_in_every_language(opened: Callable[..., Page], name: str) -> None:
    """The view is loaded once; language, width and text size change while it is open."""
    page = opened(height=HEIGHT)
    VIEWS[name](page)
    page.evaluate(AXE.read_text())
    found: dict[str, list[str]] = {}
    for language in LANGUAGES:
        switch_language(page, language)
        for width, percent in PAPER if name == "printed" else WINDOWS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            window = f"{language}, {width} px, {percent} %"
            found[window] = broken_words(page, percent)
            if width == NARROWEST:
                found[window] += too_wide(page)
            # German is examined in test_audit.py.
            if (width, percent) == (NARROWEST, 100) and language != "de":
                found[window] += violations(page)
    assert {window: words for window, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<button style="width: 60px; overflow-wrap: anywhere">Auswerten</button>', ["button: Auswerten"]),
        ('<h2 lang="de" style="width: 90px; hyphens: manual">Haut&shy;läsionen</h2>', ["h2: Haut\N{SOFT HYPHEN}läsionen"]),
        ('<h2 style="width: 60px">Zwei kurze Wörter</h2>', []),
        ('<h2 style="width: 60px">95-%-Intervall</h2>', []),
        ('<button style="width: 60px; overflow-wrap: anywhere"><span class="name">photograph.jpg</span></button>', []),
        ('<button hidden style="width: 60px; overflow-wrap: anywhere">Auswerten</button>', []),
    ],
    ids=["wrapped", "soft-hyphen", "between-words", "after-hyphen", "file-name", "hidden"],
)
def test_detector_finds_broken_words(browser: Browser, html: str, expected: list[str]) -> None:
    """The detector reports a word on two lines, and nothing that a line may end with."""
    page = browser.new_page()
    page.set_content(f'<body style="font: 20px monospace">{html}')
    assert broken_words(page) == expected
    page.close()
