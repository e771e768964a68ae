"""Names of diagnoses with their side, and of the installed app, in each language of the page."""

import json

import pytest

from export.data.labels import ALL_CLASSES
from infra.packaging.page import complete_manifest
from tests.support.paths import REPOSITORY
from tests.support.site.languages import ENGLISH, STRINGS


@pytest.mark.parametrize("language", STRINGS)
def test_diagnoses_have_labels_with_their_side(language: str) -> None:
    """The label of each diagnosis contains its name and its side, for every diagnosis that training knows."""
    strings = STRINGS[language]
    for code, is_malignant in ALL_CLASSES.items():
        key = f"{'malignant' if is_malignant else 'benign'}.{code}"
        assert strings[f"labels.{key}"].startswith(strings[f"classes.{code}"])
        assert strings[f"sides.{key}"].lower() in strings[f"labels.{key}"].lower()
    assert len([key for key in strings if key.startswith(("labels.", "sides."))]) == 2 * len(ALL_CLASSES)


def test_precancerous_is_called_neither_malignant_nor_benign() -> None:
    """Actinic keratosis has a side of its own in every language."""
    for strings in STRINGS.values():
        own = strings["sides.malignant.actinic_keratosis"]
        assert own not in {text for key, text in strings.items() if key.startswith("sides.") and "actinic" not in key}


def test_manifest_has_names_in_every_language() -> None:
    """The installed app has the page's title and summary in the language of the device."""
    site = REPOSITORY / "infra" / "site"
    published = {f"strings/{path.name}": path.read_bytes() for path in (site / "strings").glob("*.json")}
    manifest = json.loads(complete_manifest((site / "manifest.json").read_text(), published))
    assert manifest["lang"] == "en"
    assert (manifest["name"], manifest["description"]) == (ENGLISH["title"], ENGLISH["summary"])
    others = {language: strings for language, strings in STRINGS.items() if language != "en"}
    for member, key in (("name_localized", "title"), ("description_localized", "summary")):
        assert manifest[member] == {language: strings[key] for language, strings in sorted(others.items())}
    assert sorted(manifest["short_name_localized"]) == sorted(others)
    # Longer names are cut below an icon.
    assert max(len(name) for name in (manifest["short_name"], *manifest["short_name_localized"].values())) <= 16
