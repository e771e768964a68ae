"""The printed report of the page, read back as text."""

from io import BytesIO
from unicodedata import normalize

from playwright.sync_api import Page
from pypdf import PdfReader

DIAGNOSES = ("melanoma", "basal_cell_carcinoma", "actinic_keratosis", "nevus", "benign_keratosis", "dermatofibroma")
"""Codes of six diagnoses that the page has names for."""


def printed(page: Page, paper: str) -> tuple[str, int]:
    """Return the words of the only page, and how many images are on it."""
    reader = PdfReader(BytesIO(page.pdf(format=paper)))
    assert len(reader.pages) == 1
    # On paper some letters become one, such as f and i.
    text = normalize("NFKC", reader.pages[0].extract_text())
    return " ".join(text.split()), len(reader.pages[0].images)
