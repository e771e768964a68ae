"""Several tables are read as one, and no image or lesion is on both sides of a split."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from export.data.labels import ALL_CLASSES, CLASSES, LabelledImage, target_arrays, training_classes
from export.data.tables import read_table, read_tables
from export.errors import DataError
from tests.support.paths import SAMPLES

ISIC = "isic_id,diagnosis,dataset,lesion_group,split\na,melanoma,HAM10000,a,train\nb,nevus,HAM10000,b,val\n"
MILK10K = "isic_id,image_type,benign_malignant,diagnosis,milk10k_class,lesion_group,split,same_as,dataset\n"


def folder_with(folder: Path, table: str, names: str) -> Path:
    """Create a folder with a table and one image, `NAME.jpg`, for each letter of `names`."""
    folder.mkdir()
    for name in names:
        shutil.copy(SAMPLES / "ISIC_0000026.jpg", folder / f"{name}.jpg")
    (folder / "metadata.csv").write_text(table)
    return folder


def test_read_tables_skips_the_same_image(tmp_path: Path) -> None:
    """A dermoscopic image that another table has is skipped, the clinical image of the lesion stays."""
    isic = folder_with(tmp_path / "isic", ISIC, "ab")
    table = MILK10K + (
        "c,dermoscopic,malignant,melanoma,MEL,a,train,a,MILK10k\n"
        "d,clinical: close-up,malignant,melanoma,MEL,a,train,,MILK10k\n"
        "e,dermoscopic,benign,nevus,NV,e,train,elsewhere,MILK10k\n"
    )
    milk10k = folder_with(tmp_path / "milk10k", table, "cde")
    assert [(row.isic_id, row.image_type) for row in read_tables([isic, milk10k])] == [
        ("a", "dermoscopic"),
        ("b", "dermoscopic"),
        ("d", "clinical"),
        ("e", "dermoscopic"),
    ]
    assert [row.isic_id for row in read_tables([milk10k])] == ["c", "d", "e"]


def test_read_tables_of_one_folder_equals_read_table(archive: Path) -> None:
    assert read_tables([archive]) == read_table(archive)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c,clinical,,nevus,NV,a,val,,MILK10k\n", "one lesion or patient, a, in train and val"),
        ("c,dermoscopic,,nevus,NV,c,val,a,MILK10k\n", "c is in val and a, the same image, in train"),
        ("a,dermoscopic,,nevus,NV,c,val,,MILK10k\n", "has a, which another table has too"),
    ],
)
def test_read_tables_refuses_leaks(tmp_path: Path, line: str, message: str) -> None:
    isic = folder_with(tmp_path / "isic", ISIC, "ab")
    milk10k = folder_with(tmp_path / "milk10k", MILK10K + line, "ac")
    with pytest.raises(DataError, match=message):
        read_tables([isic, milk10k])


@pytest.mark.parametrize(
    ("diagnosis", "milk10k_class", "code"),
    [
        ("squamous cell carcinoma", "SCCKA", "squamous_cell_carcinoma"),
        ("Keratoacanthoma", "", "squamous_cell_carcinoma"),
        ("Squamous cell carcinoma in situ, Bowens disease", "", "actinic_keratosis"),
        ("", "INF", "other_benign"),
        ("", "BEN_OTH", "other_benign"),
        ("", "MAL_OTH", "other_malignant"),
    ],
)
def test_read_table_maps_further_diagnoses(tmp_path: Path, diagnosis: str, milk10k_class: str, code: str) -> None:
    line = f'a,dermoscopic,,"{diagnosis}",{milk10k_class},a,train,,MILK10k\n'
    [row] = read_table(folder_with(tmp_path / "milk10k", MILK10K + line, "a"))
    assert (row.diagnosis, row.malignant) == (code, ALL_CLASSES[code])


def test_read_table_reads_pad_ufes_20(tmp_path: Path) -> None:
    """The table has other column names and no column `image_type`."""
    table = (
        "image,benign_malignant,diagnosis,patient,dataset,lesion,split\n"
        "a,benign,seborrheic_keratosis,PAT_1,PAD-UFES-20,1,train\n"
        "b,malignant,scc,PAT_1,PAD-UFES-20,2,train\nc,malignant,bcc,PAT_2,PAD-UFES-20,3,val\n"
    )
    rows = read_table(folder_with(tmp_path / "clinical", table, "abc"))
    assert [(row.isic_id, row.diagnosis, row.group) for row in rows] == [
        ("a", "benign_keratosis", "PAT_1"),
        ("b", "squamous_cell_carcinoma", "PAT_1"),
        ("c", "basal_cell_carcinoma", "PAT_2"),
    ]
    assert {row.source for row in rows} == {("PAD-UFES-20", "clinical")}


def test_training_classes_append_what_occurs(rows: list[LabelledImage]) -> None:
    assert list(training_classes(rows)) == list(CLASSES)
    further = replace(rows[0], diagnosis="other_benign", malignant=False)
    assert list(training_classes([further, *rows])) == [*CLASSES, "other_benign"]
    assert target_arrays([further], ["nevus", "other_benign"])[0].tolist() == [1]
    assert target_arrays([further])[0].tolist() == [-1]
