"""The About window: what the model is, its figures as plots with a table beside each, and how to take a image."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.site.service import CARD, FULL_CARD, answer, answer_with
from tests.support.site.visit import open_about

PLOTS = (
    "How often each diagnosis scored above the threshold",
    "By data set",
    "Other thresholds",
    "How reliable the probabilities are",
)
# More than one colour: something was drawn.
DRAWN = """(canvas) => new Set(new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size > 3"""


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
    figures = page.locator("#figures figure")
    figures.nth(0).locator("summary").click()
    expect(figures.nth(0).get_by_role("row")).to_have_count(3)
    expect(figures.nth(0).get_by_role("row", name="Melanoma")).to_have_text("Melanomamalignant21390.0%80.0% to 95.0%")
    figures.nth(1).locator("summary").click()
    expect(figures.nth(1).get_by_role("row", name="HAM10000")).to_contain_text("9000.9300.910 to 0.940")
    figures.nth(2).locator("summary").click()
    expect(figures.nth(2).get_by_role("row").nth(39)).to_have_text("38.0%95.1%")
    expect(page.locator("#figures")).to_contain_text("Of 108 images that show no skin lesion it refused 90%.")
    assert complaints == []


def test_plot_without_figures_is_omitted(opened: Callable[..., Page]) -> None:
    """A plot whose figures are missing is omitted."""
    page = opened()
    open_about(page, CARD)
    expect(page.locator("#figures table")).to_have_count(2)
    expect(page.locator("#figures figure")).to_have_count(0)


def test_chart_library_is_loaded_with_about_dialog(opened: Callable[..., Page]) -> None:
    """The chart library is loaded when the dialog is opened, not before."""
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
    page.locator("#answer").get_by_role("button", name="How to take a good photo").click()
    heading = page.locator("#about-good")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    expect(page.locator(".examples li")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_focused()


def test_package_licences_are_served(opened: Callable[..., Page]) -> None:
    """The licences of the packages are served."""
    page = opened()
    page.locator("#about-open").click()
    address = page.get_by_role("link", name="Their licences").get_attribute("href") or ""
    text = page.request.get(f"{page.url.rstrip('/')}{address}").text()
    for name in ("chart.js", "i18next", "cropperjs", "papaparse", "onnxruntime-web", "libheif-js", "workbox-core"):
        assert f"{name} " in text


def test_types_are_omitted_for_model_of_one_type(opened: Callable[..., Page]) -> None:
    """A model without figures of image types shows no table of them, and asks for a dermatoscope."""
    page = opened()
    open_about(page, CARD)
    expect(page.get_by_role("group", name="By kind of photo")).to_have_count(0)
    expect(page.locator("#good-dermatoscope")).to_contain_text("its figures do not hold for them")
