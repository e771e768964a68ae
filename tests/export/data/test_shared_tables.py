"""Every case of ../shared/cases/tables becomes what its `expected.csv` says."""

from pathlib import Path

import pytest

from export.data.tables import Data, read_data
from export.errors import DataError
from tests.support.paths import REPOSITORY

TABLES = REPOSITORY.parent / "shared" / "cases" / "tables"

pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="The cases are in ../shared, beside the repository.")


def read(name: str) -> tuple[Data, dict[str, int]]:
    data = read_data([TABLES / name])
    return data, dict(data.summary.sources[0].left_out)


def test_new_schema_follows_its_diagnoses() -> None:
    data, left_out = read("new_schema")
    assert left_out == {"other image type": 3, "Indeterminate": 1, "no label": 1}
    diagnosis = {row.isic_id[-2:]: (row.malignant, row.diagnosis) for row in data.rows}
    assert {diagnosis[number] for number in ("05", "06", "07")} == {(False, "")}
    assert diagnosis["04"] == diagnosis["20"] == (True, "actinic_keratosis")
    assert diagnosis["23"] == (False, "") and diagnosis["12"] == (True, "")


def test_contradictory_duplicate_names_the_id() -> None:
    with pytest.raises(DataError, match="ISIC_0000001"):
        read("contradictory_duplicate")


@pytest.mark.parametrize(
    ("name", "used", "left_out"),
    [
        ("duplicates", 2, {"duplicate": 1}),
        ("half_missing", 3, {"no file": 20}),
        ("cp1252_excel", 2, {}),
        ("ham10000", 1, {}),
        ("isic2019_onehot", 1, {}),
        ("imagefolder", 2, {}),
    ],
)
def test_case_counts(name: str, used: int, left_out: dict[str, int]) -> None:
    data, found = read(name)
    assert (len(data.rows), found) == (used, left_out)


def test_every_case_is_tested() -> None:
    tested = {"new_schema", "contradictory_duplicate", "duplicates", "half_missing", "cp1252_excel", "ham10000"}
    assert {path.name for path in Path(TABLES).iterdir() if path.is_dir()} == tested | {"isic2019_onehot", "imagefolder"}
