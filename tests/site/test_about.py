"""The About view: what the model is, its figures as plots with a table beside each, and how to take a image."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.site.service import CARD, FULL_CARD, TYPES_CARD, answer, answer_with
from tests.support.site.visit import open_about

PLOTS = (
    "How often each diagnosis scored above the threshold",
    "By data set",
    "Other thresholds",
    "How reliable the probabilities are",
)
# More than one colour: something was drawn. It is read from a copy, because Chromium writes a hint to the console when a
# canvas is read repeatedly.
DRAWN = """(canvas) => {
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return new Set(new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer)).size > 3;
}"""


def until_drawn(canvas: Locator) -> None:
    """Wait for what is in a plot: the library that draws comes after the place that it draws in."""
    for _ in range(300):
        if canvas.evaluate(DRAWN):
            return
        canvas.page.wait_for_timeout(100)
    raise AssertionError("Nothing was drawn.")


@pytest.mark.parametrize("width", [390, 1280])
def test_plots_are_drawn_with_equal_tables(opened: Callable[..., Page], width: int) -> None:
    """Each plot is drawn and has a table with the same content."""
    page = opened(width=width)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    open_about(page, FULL_CARD)
    for name in PLOTS:
        canvas = page.get_by_role("img", name=name)
        canvas.scroll_into_view_if_needed()
        expect(canvas).to_be_visible()
        until_drawn(canvas)
    figures = page.locator("#test-figures figure")
    figures.nth(0).locator("summary").click()
    expect(figures.nth(0).get_by_role("row")).to_have_count(3)
    expect(figures.nth(0).get_by_role("row", name="Melanoma")).to_have_text("Melanomamalignant21390.0%80.0% to 95.0%")
    figures.nth(1).locator("summary").click()
    expect(figures.nth(1).get_by_role("row", name="HAM10000")).to_contain_text("9000.9300.910 to 0.940")
    figures.nth(2).locator("summary").click()
    expect(figures.nth(2).get_by_role("row").nth(39)).to_have_text("38.0%95.1%")
    expect(page.locator("#test-figures")).to_contain_text("Of 108 images that show no skin lesion it refused 90%.")
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_long_diagnoses_are_not_cut_off_on_phones(opened: Callable[..., Page], language: str) -> None:
    page = opened(width=390, language=language)
    card = deepcopy(dict(FULL_CARD))
    diagnoses = card["metrics"]["test"]["diagnoses"]
    diagnoses["squamous_cell_carcinoma"] = diagnoses["melanoma"]
    open_about(page, card)
    canvas = page.locator("#test-figures canvas").first
    canvas.scroll_into_view_if_needed()
    until_drawn(canvas)
    room, widest = canvas.evaluate("""(canvas) => {
        const { y } = Chart.getChart(canvas).scales;
        const lines = y.getLabels().flat();
        return [y.width, Math.max(...lines.map((line) => y.ctx.measureText(line).width))];
    }""")
    assert widest > 100, "a long name is among them"
    assert room >= widest + 10


def test_plot_without_figures_is_omitted(opened: Callable[..., Page]) -> None:
    """A plot whose figures are missing is omitted."""
    page = opened()
    open_about(page, CARD)
    expect(page.locator("#test-figures table")).to_have_count(2)
    expect(page.locator("#test-figures figure")).to_have_count(0)


def test_chart_library_is_loaded_with_about(opened: Callable[..., Page]) -> None:
    """The chart library is loaded when the view is opened, not before."""
    page = opened()
    fetched = "() => performance.getEntriesByType('resource').some((entry) => entry.name.includes('chart.umd'))"
    assert not page.evaluate(fetched)
    with page.expect_response("**/vendor/chart.js/**") as response:
        open_about(page, FULL_CARD)
    assert response.value.ok


def test_plots_follow_change_of_language(opened: Callable[..., Page]) -> None:
    """The plots follow a change of language."""
    page = opened()
    open_about(page, FULL_CARD)
    page.locator("#about-close").click()
    page.locator("#language").select_option("fr")
    page.locator("#about-open").click()
    expect(page.get_by_role("img", name="Par jeu de données")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "use", "limit"),
    [
        ("en", "Research and teaching", "Not a medical device and not approved by any authority."),
        ("es", "Investigación y enseñanza", "No es un producto sanitario"),
        ("de", "Forschung und Lehre", "Kein Medizinprodukt und von keiner Behörde zugelassen."),
        ("fr", "Recherche et enseignement", "N’est pas un dispositif médical"),
        pytest.param("pt", "Pesquisa e ensino", "Não é um dispositivo médico", marks=pytest.mark.slow),
        pytest.param("it", "Ricerca e insegnamento", "Non è un dispositivo medico", marks=pytest.mark.slow),
    ],
)
def test_model_text_is_translated_when_known(opened: Callable[..., Page], language: str, use: str, limit: str) -> None:
    """Sentences of the model file are translated when the page has a translation."""
    page = opened(language)
    # The repository's own model, whose sentences the page can translate.
    page.locator("#about-open").click()
    expect(page.locator("#limits li")).to_have_count(5)
    expect(page.locator("#intended")).to_contain_text(use)
    expect(page.locator("#limits li").first).to_contain_text(limit)
    expect(page.locator("#about [lang]")).to_have_count(0)
    page.locator("#about-close").click()
    page.reload()
    expect(page.locator(".sample")).to_have_count(12)
    open_about(page, {**CARD, "intended_use": "For a test.", "limits_of_use": ["Only for tests."]})
    expect(page.locator("#intended [lang=en]")).to_have_text("For a test.")
    expect(page.locator("#limits [lang=en]")).to_have_text("Only for tests.")


def test_refusal_links_to_photo_instructions(opened: Callable[..., Page]) -> None:
    """A refusal links to the instructions for a good photo."""
    page = opened()
    answer_with(page, answer(0))
    page.locator("#answer").get_by_role("link", name="How to take a good photo").click()
    heading = page.locator("#good-photo")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    expect(page.locator(".examples li")).to_have_count(4)
    page.go_back()
    expect(page.locator("#help")).to_be_focused()
    expect(page.locator("#help")).to_be_in_viewport()


def test_about_keeps_the_photo_and_its_result(opened: Callable[..., Page]) -> None:
    """About is read and left without a request for the page, and the result is still there."""
    page = opened()
    answer_with(page, answer(0))
    expect(page.locator("#answer")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.resource_type))
    page.locator("#about-open").click()
    expect(page).to_have_url(re.compile(r"/about$"))
    expect(page.locator("#answer")).to_be_hidden()
    expect(page.locator("#about-heading")).to_be_focused()
    page.get_by_role("link", name="Skin tones").click()
    expect(page).to_have_url(re.compile(r"/about#skin-tones$"))
    page.go_back()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator("#answer")).to_be_visible()
    expect(page.locator("#about")).to_be_hidden()
    page.go_forward()
    expect(page.locator("#about")).to_be_visible()
    page.locator("#about-close").click()
    expect(page.locator("#answer")).to_be_visible()
    assert "document" not in asked


@pytest.mark.parametrize(
    ("address", "anchor", "title"),
    [
        ("/about", "about-heading", "About – Skin-lesion classifier"),
        ("/about#figures", "figures", "About – Skin-lesion classifier"),
        ("/about?lang=de#skin-tones", "skin-tones", "Über diese Seite – Klassifikator für Hautläsionen"),
    ],
)
def test_about_has_an_address(opened: Callable[..., Page], address: str, anchor: str, title: str) -> None:
    """An address opens About at its part, in the language that it names, and the way back leads to the analysis."""
    page = opened()
    shown = page.context.new_page()
    shown.goto(urljoin(page.url, address))
    expect(shown).to_have_title(title)
    expect(shown.locator(f"#{anchor}")).to_be_in_viewport()
    expect(shown.locator("#test-figures table").first).to_be_attached()
    expect(shown.locator("#analysis")).to_be_hidden()
    shown.locator("#about-close").click()
    expect(shown.locator("#choose")).to_be_visible()
    expect(shown).to_have_title(title.split(" – ")[1])


def test_missing_page_leads_to_the_start(opened: Callable[..., Page]) -> None:
    """An address without a page says so in every language of the page and links to the start."""
    page = opened()
    response = page.goto(urljoin(page.url, "/nothing"))
    assert response is not None and response.status == 404
    languages = [element.get_attribute("lang") for element in page.locator("[lang]").all()]
    page.get_by_role("link", name="Zur Startseite").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Klassifikator für Hautläsionen")
    assert languages == (page.locator("html").get_attribute("data-languages") or "").split()


def test_package_licences_are_served(opened: Callable[..., Page]) -> None:
    """The licences of the packages are served."""
    page = opened()
    page.locator("#about-open").click()
    address = page.get_by_role("link", name="Their licences").get_attribute("href") or ""
    text = page.request.get(urljoin(page.url, address)).text()
    for name in ("chart.js", "i18next", "cropperjs", "papaparse", "onnxruntime-web", "libheif-js", "workbox-core"):
        assert f"{name} " in text


def test_types_are_omitted_for_model_of_one_type(opened: Callable[..., Page]) -> None:
    """A model without figures of image types shows no table of them, and asks for a dermatoscope."""
    page = opened()
    open_about(page, CARD)
    expect(page.get_by_role("group", name="By kind of photo")).to_have_count(0)
    expect(page.locator("#good-dermatoscope")).to_contain_text("its figures do not hold for them")


@pytest.mark.parametrize(
    ("subgroups", "shown"),
    [
        (
            {
                "skin_tone": {"0 (darkest)": {"n": 1}, "1": {"n": 14}, "3": {"n": 500}},
                "fitzpatrick_type": {"II": {"n": 20}, "V": {"n": 2}},
                "age": {"under 30": {"n": 90}},
            },
            "17 of the 537 photos",
        ),
        ({"age": {"under 30": {"n": 90}}}, None),
        ({"skin_tone": {"1": {"n": 399}, "3": {"n": 300}}}, "399 of the 699 photos"),
        ({"skin_tone": {"1": {"n": 400}, "3": {"n": 300}}}, None),
    ],
    ids=["few", "not-recorded", "almost-enough", "enough"],
)
def test_photos_of_dark_skin_are_counted(
    opened: Callable[..., Page], subgroups: Mapping[str, Any], shown: str | None
) -> None:
    """About says how few photos of the test show brown or black skin; a card that does not say so shows no count."""
    page = opened()
    test = {**TYPES_CARD["metrics"]["test"], "subgroups": subgroups}
    open_about(page, {**TYPES_CARD, "metrics": {**TYPES_CARD["metrics"], "test": test}})
    counted = page.locator("#tones-counted")
    if shown is None:
        expect(counted).to_be_hidden()
    else:
        expect(counted).to_contain_text(shown)
