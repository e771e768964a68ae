"""The languages of the page, as its menu lists them, and everything it says in each of them."""

import json
import re

import pytest

from infra.packaging.page import flatten_strings
from tests.support.paths import REPOSITORY

_SITE = REPOSITORY / "infra" / "site"
LANGUAGES = tuple(re.findall(r'data-languages="(.+?)"', (_SITE / "index.html").read_text())[0].split())

STRINGS = {
    path.stem: dict(flatten_strings(json.loads(path.read_text()))) for path in sorted((_SITE / "strings").glob("*.json"))
}
"""Language -> key, such as `photo.heading` -> sentence."""
ENGLISH = STRINGS["en"]
# In the quick selection German has the longest words, and French the longest sentences.
_QUICK = ("de", "fr")
EACH_LANGUAGE = [code if code in _QUICK else pytest.param(code, marks=pytest.mark.slow) for code in LANGUAGES]
"""Parameters of a test; the quick selection has the two languages that need the most room."""
