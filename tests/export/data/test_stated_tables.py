"""What tables and options state: the data set, the column with the images, the split, and which file is the table."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.console import main
from export.data.find_tables import DataOptions
from export.data.tables import read_data, read_table
from export.errors import DataError
from tests.support.paths import SAMPLES


def folder_with(folder: Path, name: str, text: str, *images: str) -> Path:
    """Create a folder with one table, `name`, and an image under each of `images`."""
    for image in images:
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / "ISIC_0000026.jpg", folder / image)
    (folder / name).write_text(text)
    return folder


PLAIN = "filename,label\na.jpg,benign\nb.jpg,malignant\n"


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("image,MEL,NV\na,0,1\nb,1,0\n", "clinic"),
        ("isic_id,diagnosis_1,diagnosis_3\na,Benign,Nevus\nb,Malignant,Melanoma\n", "clinic"),
        ("isic_id,diagnosis\na,nevus\nb,melanoma\n", "clinic"),
        ("isic_id,attribution,diagnosis\na,Vienna,nevus\nb,Vienna,melanoma\n", "Vienna"),
        ("image_id,dx\na,nv\nb,mel\n", "HAM10000"),
        (PLAIN, "clinic"),
    ],
)
def test_dataset_is_that_of_the_folder(tmp_path: Path, text: str, dataset: str) -> None:
    rows = read_table(folder_with(tmp_path / "clinic", "labels.csv", text, "a.jpg", "b.jpg"))
    assert {row.dataset for row in rows} == {dataset}


def test_tab_table_is_found(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "labels.tab", PLAIN.replace(",", "\t"), "a.jpg", "b.jpg")
    assert [row.malignant for row in read_table(folder)] == [False, True]


def test_table_without_a_suffix_is_read_where_it_is_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "labels", PLAIN, "a.jpg", "b.jpg")
    (folder / "LICENSE").write_text("CC0\n")
    with pytest.raises(DataError) as caught:
        read_table(folder)
    assert str(caught.value) == f"{folder}/labels has labels, but no suffix of a table. Name it: --data {folder}/labels."
    assert [row.malignant for row in read_table(folder / "labels")] == [False, True]


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("Foto,label\na.jpg,benign\nb.jpg,malignant\n", "column label"),
        # The usual name has something else.
        ("id,Foto,label\n7,a.jpg,0\n8,b.jpg,1\n", "column label"),
        ("Foto,MEL,NV\na,0,1\nb,1,0\n", "one column for each diagnosis"),
        ("Foto,dx\na,nv\nb,mel\n", "HAM10000"),
        ("Foto,target\na,0\nb,1\n", "column target"),
    ],
)
def test_image_column_is_the_stated_one(tmp_path: Path, text: str, layout: str) -> None:
    folder = folder_with(tmp_path, "metadata.csv", text, "a.jpg", "b.jpg")
    data = read_data([folder], DataOptions(image_column="foto"))
    assert {row.isic_id: row.malignant for row in data.rows} == {"a": False, "b": True}
    assert data.summary.sources[0].layout == layout


def test_image_column_of_the_joined_table(tmp_path: Path) -> None:
    """MILK10k's labels are those of lesions; the other table names the images."""
    folder = folder_with(tmp_path, "labels.csv", "lesion_id,MEL,NV\nL1,0,1\nL2,1,0\n", "a.jpg", "b.jpg")
    (folder / "images.csv").write_text("lesion_id,Foto\nL1,a\nL2,b\n")
    assert {row.isic_id: row.group for row in read_table(folder, DataOptions(image_column="Foto"))} == {"a": "L1", "b": "L2"}
    with pytest.raises(DataError, match=r"no table beside it says .* \(lesion_id and other\)"):
        read_table(folder, DataOptions(image_column="other"))


@pytest.mark.parametrize("text", [PLAIN, "image_id,lesion_id,dx\na,L1,nv\nb,L2,mel\n"])
def test_image_column_that_is_missing_is_named(tmp_path: Path, text: str) -> None:
    folder = folder_with(tmp_path, "metadata.csv", text, "a.jpg", "b.jpg")
    with pytest.raises(DataError, match=r"no column Foto, which --image-column names\. Columns found: "):
        read_table(folder, DataOptions(image_column="Foto"))


def test_image_column_is_an_option_of_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_with(tmp_path, "metadata.csv", PLAIN, "a.jpg", "b.jpg")
    common = ["--data", str(folder), "--image-column", "Foto", "--out", str(tmp_path / "out")]
    assert main(["train", *common]) == 1
    assert "no column Foto, which --image-column names" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "split"),
    [
        *(("Train", "train"), ("TRAINING", "train"), ("validation", "val"), ("valid", "val"), ("Val", "val")),
        *(("testing", "test"), ("TEST", "test")),
    ],
)
def test_split_has_any_case_and_usual_names(tmp_path: Path, text: str, split: str) -> None:
    """In the column `split` and as a folder."""
    folder = folder_with(tmp_path / "table", "metadata.csv", f"filename,label,split\na.jpg,benign,{text}\n", "a.jpg")
    classes = folder_with(tmp_path / "folders", "notes.txt", "", f"{text}/benign/a.jpg")
    assert [row.split for row in (*read_table(folder), *read_table(classes))] == [split, split]


def test_split_of_repeated_rows_may_be_written_differently(tmp_path: Path) -> None:
    text = "filename,label,split\na.jpg,benign,Train\na.jpg,benign,training\n"
    assert [row.split for row in read_table(folder_with(tmp_path, "metadata.csv", text, "a.jpg"))] == ["train"]


@pytest.mark.parametrize("name", ["metadata.csv", "notes.md"])
def test_unreadable_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Below a table, and among folders named after classes. The superuser may list every folder: the answer is replaced."""
    folder = folder_with(tmp_path, name, PLAIN, "benign/a.jpg", "malignant/b.jpg", "lost+found/c.jpg")
    scandir = os.scandir

    def refuse(path: Any) -> Iterator[os.DirEntry[str]]:
        if Path(path).name in ("malignant", "lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert main(["train", "--data", str(folder), "--out", str(tmp_path / "out")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"{folder}/malignant cannot be read (Permission denied). Allow it to be read, or move it elsewhere."


@pytest.mark.parametrize("name", ["labels.xlsx", "labels.PARQUET"])
def test_spreadsheet_in_a_folder_is_named(tmp_path: Path, name: str) -> None:
    """A folder whose only table is no text says which file to save as CSV."""
    folder_with(tmp_path, name, "PK\x03\x04" if "xlsx" in name else "PAR1", "a.jpg", "b.jpg")
    with pytest.raises(DataError, match=f"{name} is not a table but .*Save it as CSV"):
        read_data([tmp_path])


def test_copies_in_different_splits_are_named(tmp_path: Path) -> None:
    """The summary warns of a file that is trained on and, under another name, evaluated; also in another table."""
    table = folder_with(tmp_path / "table", "labels.csv", "filename,label,split\na.jpg,benign,train\n", "a.jpg")
    text = "filename,label,split\nb.jpg,benign,{}\nc.jpg,malignant,val\n"
    other = folder_with(tmp_path / "other", "labels.csv", text.format("val"), "b.jpg")
    shutil.copy(SAMPLES / "ISIC_0000030.jpg", other / "c.jpg")
    [*_, line] = [line for line in read_data([table, other]).summary.lines() if "copies of one file" in line]
    assert f": 1, the first {table / 'a.jpg'} in train and {other / 'b.jpg'} in val" in line
    (other / "labels.csv").write_text(text.format("train"))
    assert not any("copies of one file" in line for line in read_data([table, other]).summary.lines())


def test_other_tables_beside_a_table_with_labels_are_not_joined(tmp_path: Path) -> None:
    """A forgotten table changes neither split nor image type of a table that has its labels in one column."""
    folder_with(tmp_path, "mine.csv", PLAIN, "a.jpg", "b.jpg")
    (tmp_path / "old.csv").write_text(
        "filename,split,image_type,lesion_group\na.jpg,test,clinical,1\nb.jpg,test,clinical,1\n"
    )
    for source in (tmp_path, tmp_path / "mine.csv"):
        data = read_data([source])
        assert {row.image_type for row in data.rows} == {"dermoscopic"}
        assert len({row.group for row in data.rows}) == 2
        assert "joined" not in " ".join(data.summary.lines())


@pytest.mark.parametrize("text", ["yes", "No", "NA", "n/a"])
def test_plain_words_are_labels(tmp_path: Path, text: str) -> None:
    table = f"filename,malignant\na.jpg,{text}\nb.jpg,yes\n"
    rows = read_data([folder_with(tmp_path, "labels.csv", table, "a.jpg", "b.jpg")]).rows
    found = {row.isic_id: row.malignant for row in rows}
    assert found == ({"b": True} if text.lower() in ("na", "n/a") else {"a": text == "yes", "b": True})
