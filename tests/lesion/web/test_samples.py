"""The gallery is a folder with a list; nothing outside the list can be read."""

import json
from pathlib import Path

import pytest
from lesion.errors import NotFound, SettingsError
from lesion.settings import Settings
from lesion.web.samples import Samples

ENTRY = {
    "id": "one",
    "title": "Sample 1",
    "diagnosis": "nevus",
    "malignant": False,
    "image": "/samples/one.jpg",
    "thumbnail": "/samples/thumbnails/one.webp",
    "source": "An archive",
    "licence": "CC0 1.0",
}


def gallery(folder: Path, *entries: object, photographs: tuple[str, ...] = ("one",)) -> Path:
    (folder / "samples.json").write_text(json.dumps(entries))
    for name in photographs:
        (folder / f"{name}.jpg").write_bytes(name.encode())
    return folder


def test_a_sample_is_read_by_its_name(tmp_path: Path) -> None:
    samples = Samples(gallery(tmp_path, {**ENTRY, "note": "ignored"}))
    assert [sample.id for sample in samples.entries] == ["one"]
    assert samples.photograph("one") == b"one"


@pytest.mark.parametrize("name", ["two", "", "../one", "one.jpg", "/etc/passwd", "one\0"])
def test_what_is_not_in_the_list_does_not_exist(tmp_path: Path, name: str) -> None:
    samples = Samples(gallery(tmp_path, ENTRY, photographs=("one", "two")))
    with pytest.raises(NotFound, match="/api/samples"):
        samples.photograph(name)


def test_without_a_folder_there_are_no_samples(tmp_path: Path) -> None:
    assert Samples(tmp_path / "nowhere").entries == ()


def test_a_list_that_names_a_missing_photograph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"one\.jpg is not beside it"):
        Samples(gallery(tmp_path, ENTRY, photographs=()))


@pytest.mark.parametrize("text", ["", "{}[", '[{"id": "one"}]', "[1]", "null"])
def test_a_broken_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "samples.json").write_text(text)
    with pytest.raises(SettingsError, match="is not a list of samples"):
        Samples(tmp_path)


def test_the_repository_has_a_gallery_with_both_answers() -> None:
    samples = Samples(Settings.samples)
    assert {sample.malignant for sample in samples.entries} == {True, False}
