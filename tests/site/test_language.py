"""The language of the page: chosen by the browser or by the person."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.site.service import answer, answer_with
from tests.support.site.visit import HEADINGS, LAYOUT_SHIFTS, PHONE


@pytest.mark.parametrize(
    ("locale", "language", "heading", "button"),
    [
        ("en-GB", "en", "Skin-lesion classifier", "Analyse"),
        ("es-MX", "es", "Clasificador de lesiones cutáneas", "Analizar"),
        ("de-AT", "de", "Klassifikator für Hautläsionen", "Auswerten"),
        ("fr", "fr", "Classificateur de lésions cutanées", "Analyser"),
        ("pt-PT", "pt", "Classificador de lesões de pele", "Analisar"),
        ("it-CH", "it", "Classificatore di lesioni cutanee", "Analizza"),
        ("nl", "en", "Skin-lesion classifier", "Analyse"),
    ],
)
def test_language_follows_browser_without_shift(
    open_page: Callable[..., Page], locale: str, language: str, heading: str, button: str
) -> None:
    """The language of the browser is used from the start, without a layout shift."""
    page = open_page(PHONE, LAYOUT_SHIFTS, locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.locator("#analyse")).to_have_text(button)
    expect(page).to_have_title(heading)
    assert page.evaluate("shifted") < 0.02


def test_language_of_address_wins_until_another_is_chosen(open_page: Callable[..., Page]) -> None:
    """`?lang=` selects the language; a choice of the person replaces it in the address."""
    page = open_page(locale="fr")
    page.goto(f"{page.url}?lang=es")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.locator("#about-open").click()
    expect(page).to_have_url(re.compile(r"/about\?lang=es$"))
    page.locator("#language").select_option("de")
    expect(page).to_have_url(re.compile(r"/about$"))
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_language_choice_applies_and_is_remembered(page: Page) -> None:
    """A chosen language applies at once and is remembered."""
    answer_with(page, answer(0.034, "benign"))
    expect(page.locator("#result-heading")).to_have_text(HEADINGS["below"])
    page.get_by_label("Language").select_option("de")
    expect(page.locator("#result-heading")).to_have_text(
        "Das schließt Hautkrebs nicht aus: Sehen Sie sich die Stelle jeden Monat erneut an"
    )
    expect(page.locator("#advice")).to_have_text(
        "In unserem Test lagen 5 von 100 bösartigen Läsionen ebenfalls unter dem Schwellenwert. Ist die Stelle neu, "
        "verändert sie sich, blutet sie oder beunruhigt sie Sie, gehen Sie innerhalb von zwei Wochen zu einer Ärztin oder "
        "einem Arzt."
    )
    expect(page.locator("#malignant")).to_have_text("0,2\N{NO-BREAK SPACE}%")
    expect(page.locator("#classes li").last).to_contain_text("Melanom")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.reload()
    expect(page.get_by_role("button", name="Beispiel 3")).to_be_visible()
    expect(page.get_by_label("Sprache")).to_have_value("de")


def test_language_that_fails_to_load_changes_nothing(page: Page) -> None:
    """A language that cannot be loaded leaves the page unchanged."""
    page.route("**/strings/fr.json", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Language").select_option("fr")
    expect(page.get_by_label("Language")).to_have_value("en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Skin-lesion classifier")


def test_problem_is_shown_in_chosen_language(open_page: Callable[..., Page]) -> None:
    """Problems are shown in the chosen language."""
    page = open_page(PHONE, locale="es")
    problem = {"type": "", "title": "", "status": 500, "detail": "English.", "code": "fault"}
    page.route("**/api/classify**", lambda route: route.fulfill(status=500, json=problem))
    page.get_by_role("button", name="Ejemplo 6").click()
    page.get_by_role("button", name="Analizar").click()
    expect(page.locator("#advice")).to_have_text("El servicio ha fallado. No es culpa suya. Inténtelo de nuevo más tarde.")
    page.route("**/api/classify**", lambda route: route.fulfill(status=422, json={**problem, "code": "new"}))
    page.get_by_role("button", name="Analizar").click()
    expect(page.locator("#advice")).to_have_text("English.")


@pytest.mark.parametrize(
    ("locale", "code", "date", "people", "size"),
    [
        ("en-US", "en", r"November \d+, \d{4}", "1,000", "0.9 MB"),
        ("en-GB", "en", r"\d+ November \d{4}", "1,000", "0.9 MB"),
        ("de-AT", "de", r"\d+\. November \d{4}", "1 000", "0,9 MB"),
        ("fr", "fr", r"\d+ novembre \d{4}", "1 000", "0,9 Mo"),
        # The browser has no locale of the page's language.
        ("nl", "en", r"November \d+, \d{4}", "1,000", "0.9 MB"),
    ],
)
def test_numbers_and_dates_follow_region(
    open_page: Callable[..., Page], locale: str, code: str, date: str, people: str, size: str
) -> None:
    """Numbers and dates are those of the browser's region, where it speaks the language of the page; 1 MB is 10^6 bytes."""
    page = open_page(locale=locale)
    module = "import('/js/i18n/number-format.js')"
    said = page.evaluate(
        f"async () => {{ const say = await {module}; return"
        " [say.formatDate(new Date(2026, 10, 28, 12)), say.formatNumber(1000), say.formatMegabytes(900_000)]; }"
    )
    expect(page.locator("html")).to_have_attribute("lang", code)
    # Spaces in numbers are narrow, and do not end a line.
    shown = [" ".join(text.split()) for text in said]
    assert re.match(date, shown[0])
    assert shown[1:] == [people, size]
