"""The gallery is a folder with a list; nothing outside the list can be read."""

from pathlib import Path

import pytest
from lesion.errors import NotFound, SettingsError
from lesion.settings import Settings
from lesion.web.samples import SampleGallery

from tests.support.gallery import ENTRY, write_gallery


def test_a_sample_is_read_by_its_name(tmp_path: Path) -> None:
    samples = SampleGallery(write_gallery(tmp_path, {**ENTRY, "note": "ignored"}))
    assert [sample.id for sample in samples.entries] == ["one"]
    assert samples.read_image("one") == b"one"


@pytest.mark.parametrize("name", ["two", "", "../one", "one.jpg", "/etc/passwd", "one\0"])
def test_what_is_not_in_the_list_does_not_exist(tmp_path: Path, name: str) -> None:
    samples = SampleGallery(write_gallery(tmp_path, ENTRY, photographs=("one", "two")))
    with pytest.raises(NotFound, match="/api/samples"):
        samples.read_image(name)


def test_without_a_folder_there_are_no_samples(tmp_path: Path) -> None:
    assert SampleGallery(tmp_path / "nowhere").entries == ()


def test_a_list_that_names_a_missing_photograph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"one\.jpg is not beside it"):
        SampleGallery(write_gallery(tmp_path, ENTRY, photographs=()))


@pytest.mark.parametrize("text", ["", "{}[", '[{"id": "one"}]', "[1]", "null"])
def test_a_broken_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "samples.json").write_text(text)
    with pytest.raises(SettingsError, match="is not a list of samples"):
        SampleGallery(tmp_path)


def test_the_repository_has_a_gallery_with_both_answers() -> None:
    samples = SampleGallery(Settings.samples)
    assert {sample.malignant for sample in samples.entries} == {True, False}
