"""Reading of the ISIC Archive's metadata.csv, splits, and augmentation of the images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from export.data.augment import degrade, occlude, random_crops, sample_crops
from export.data.labels import LabelledImage
from export.data.splits import assign_split, select_split
from export.data.tables import read_table
from export.data.transforms import load_square
from export.errors import DataError
from tests.support.paths import SAMPLES


def test_read_table_reads_an_archive_download(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "ISIC_0000026.jpg", tmp_path)
    (tmp_path / "metadata.csv").write_text(
        "isic_id,attribution,diagnosis_1,diagnosis_3,lesion_id\n"
        "ISIC_0000026,A clinic,Indeterminate,Solar or actinic keratosis,IL_1\n"
        "ISIC_0000027,A clinic,Benign,Nevus,IL_2\n"
    )
    [row] = read_table(tmp_path)
    assert (row.diagnosis, row.malignant, row.group) == ("actinic_keratosis", True, "IL_1")
    assert row.split == assign_split("IL_1")


def test_read_table_names_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metadata\.csv does not exist"):
        read_table(tmp_path)


def folder_with(folder: Path, table: str, *names: str) -> Path:
    for name in names:
        shutil.copy(SAMPLES / "ISIC_0000026.jpg", folder / name)
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    return folder


def test_read_table_accepts_a_byte_order_mark_and_other_files(tmp_path: Path) -> None:
    source = folder_with(tmp_path, "\ufeffisic_id,benign_malignant\na,benign\nb,malignant\n", "a.jpg", "b.JPG")
    (source / "a.txt").write_text("a note")
    assert [row.path.name for row in read_table(source)] == ["a.jpg", "b.JPG"]


def test_read_table_reads_image_types(tmp_path: Path) -> None:
    """Images of other types are not used."""
    table = (
        "isic_id,benign_malignant,image_type\n"
        "a,benign,dermoscopic\nb,benign,clinical: close-up\nc,benign,clinical\nd,benign,\ne,benign,TBP tile: close-up\n"
    )
    rows = read_table(folder_with(tmp_path, table, *(f"{name}.jpg" for name in "abcde")))
    assert [(row.isic_id, row.image_type) for row in rows] == [
        ("a", "dermoscopic"),
        ("b", "clinical"),
        ("c", "clinical"),
        ("d", "dermoscopic"),
    ]


def test_group_names_join_connected_lesions_and_patients(tmp_path: Path) -> None:
    table = (
        "isic_id,benign_malignant,lesion_id,patient_id\n"
        "a,benign,L1,P2\nb,benign,L1,\nc,malignant,L2,P2\nd,benign,L2,P1\ne,benign,L3,\nf,benign,,\n"
    )
    groups = {
        row.isic_id: row.group for row in read_table(folder_with(tmp_path, table, *(f"{name}.jpg" for name in "abcdef")))
    }
    assert groups == {"a": "P1", "b": "P1", "c": "P1", "d": "P1", "e": "L3", "f": "f"}


@pytest.mark.parametrize(
    ("second", "message"),
    [("b,benign,P1,test", "one lesion or patient, P1, in train and test"), ("b,benign,P2,holdout", "the split 'holdout'")],
)
def test_read_table_refuses_invalid_splits(tmp_path: Path, second: str, message: str) -> None:
    table = f"isic_id,benign_malignant,patient_id,split\na,benign,P1,train\n{second}\n"
    with pytest.raises(DataError, match=message):
        read_table(folder_with(tmp_path, table, "a.jpg", "b.jpg"))


def test_select_split_needs_malignant_and_benign_images(rows: list[LabelledImage]) -> None:
    assert len(select_split(rows, "val")) == 12
    with pytest.raises(DataError, match="no malignant images in `val`"):
        select_split([row for row in rows if not row.malignant], "val")
    with pytest.raises(DataError, match="no images in `val`"):
        select_split([], "val")


def test_load_square_names_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    with pytest.raises(DataError, match=r"broken\.jpg cannot be read"):
        load_square(tmp_path / "broken.jpg", 64)


def test_assign_split_is_about_eight_to_one_to_one() -> None:
    splits = [assign_split(f"IL_{number}") for number in range(5000)]
    assert 0.78 < splits.count("train") / 5000 < 0.82
    assert 0.08 < splits.count("val") / 5000 < 0.12


def test_degrade_keeps_the_shape_and_changes_pixels() -> None:
    square = load_square(SAMPLES / "ISIC_0000026.jpg", 256).permute(1, 2, 0).numpy()
    copies = [degrade(square, np.random.default_rng(seed)) for seed in range(20)]
    assert all(degrade(square, np.random.default_rng(seed), 0) is square for seed in range(20))
    assert {copy.shape for copy in copies} == {(256, 256, 3)}
    assert sum(not np.array_equal(copy, square) for copy in copies) >= 10


def test_occlude_draws_on_a_third_of_images() -> None:
    square = load_square(SAMPLES / "ISIC_0000026.jpg", 256).permute(1, 2, 0).numpy()
    kept = square.copy()
    drawn = [occlude(square, np.random.default_rng(seed)) for seed in range(60)]
    assert all(occlude(square, np.random.default_rng(seed), 0) is square for seed in range(20))
    assert 10 <= sum(not np.array_equal(image, square) for image in drawn) <= 35
    assert np.array_equal(square, kept)


def test_sample_crops_is_linear_in_the_images() -> None:
    image = torch.rand(2, 3, 64, 64)
    rows = random_crops(2, torch.Generator().manual_seed(1)).stretched
    found, other = sample_crops(image, rows, 32), sample_crops(1 - image, rows, 32)
    assert found.shape == (2, 3, 32, 32)
    assert torch.allclose(found, 1 - other, atol=1e-5)


@pytest.mark.parametrize(("squashed", "least", "most"), [(0.0, 1.0, 1.18), (1.0, 1.22, 1.53)])
def test_random_crops_stretch_only_the_learners_crops(squashed: float, least: float, most: float) -> None:
    crops = random_crops(500, torch.Generator().manual_seed(1), squashed)
    (across, down), (own_across, own_down) = (rows[:, :, :2].norm(dim=1).T for rows in (crops.stretched, crops.plain))
    torch.testing.assert_close(own_across, own_down)
    torch.testing.assert_close(across * down, own_across * own_down)
    assert 0.65 <= own_across.min() < 0.7 and 1.05 < own_across.max() <= 1.1
    aspect = across / down
    assert least <= torch.maximum(aspect, 1 / aspect).min() and torch.maximum(aspect, 1 / aspect).max() <= most
    assert 200 < (aspect > 1).sum() < 300
    # The same place: only the lengths of the sides differ.
    torch.testing.assert_close(crops.stretched[:, :, 2], crops.plain[:, :, 2])
    directions = crops.stretched[:, :, :2] / crops.stretched[:, :, :2].norm(dim=1, keepdim=True)
    torch.testing.assert_close(directions, crops.plain[:, :, :2] / crops.plain[:, :, :2].norm(dim=1, keepdim=True))


def test_random_crops_have_sides_of_the_given_scale() -> None:
    maps = random_crops(500, torch.Generator().manual_seed(1), 0.0, (0.4, 0.5)).plain
    sides = maps[:, :, :2].norm(dim=1)
    assert 0.4 <= sides.min() < 0.42 and 0.48 < sides.max() <= 0.5
