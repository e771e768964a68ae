"""The gallery is a folder with a list; files outside the list cannot be read."""

from pathlib import Path

import pytest
from lesion.errors import NotFound, SettingsError
from lesion.settings import Settings
from lesion.web.samples import SampleGallery

from tests.support.gallery import ENTRY, write_gallery


def test_read_image_returns_the_file(tmp_path: Path) -> None:
    samples = SampleGallery(write_gallery(tmp_path, {**ENTRY, "note": "ignored"}))
    assert [sample.id for sample in samples.entries] == ["one"]
    assert samples.read_image("one") == b"one"


@pytest.mark.parametrize("name", ["two", "", "../one", "one.jpg", "/etc/passwd", "one\0"])
def test_read_image_rejects_other_names(tmp_path: Path, name: str) -> None:
    samples = SampleGallery(write_gallery(tmp_path, ENTRY, images=("one", "two")))
    with pytest.raises(NotFound, match="/api/samples"):
        samples.read_image(name)


def test_gallery_without_folder_is_empty(tmp_path: Path) -> None:
    assert SampleGallery(tmp_path / "nowhere").entries == ()


def test_gallery_rejects_a_missing_image(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"one\.jpg is not beside it"):
        SampleGallery(write_gallery(tmp_path, ENTRY, images=()))


@pytest.mark.parametrize("text", ["", "{}[", '[{"id": "one"}]', "[1]", "null"])
def test_gallery_rejects_a_malformed_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "samples.json").write_text(text)
    with pytest.raises(SettingsError, match="is not a list of samples"):
        SampleGallery(tmp_path)


def test_repository_has_benign_and_malignant_samples() -> None:
    samples = SampleGallery(Settings.samples)
    assert {sample.malignant for sample in samples.entries} == {True, False}
