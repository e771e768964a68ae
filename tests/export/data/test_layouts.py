"""Each layout that people have is read: what a row says about its image, its group, its type, and what is left out."""

import json
import shutil
from pathlib import Path

import pytest

from export.data.find_tables import DataOptions
from export.data.labels import CLASSES, LabelledImage, training_classes
from export.data.layouts.own_classes import read_class_map
from export.data.tables import read_data, read_table
from export.errors import DataError
from tests.support.paths import SAMPLES


def folder_with(folder: Path, tables: dict[str, str], *images: str, encoding: str = "utf-8") -> Path:
    """Create a folder with tables and a copy of one image under each name."""
    for name in images:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / "ISIC_0000026.jpg", folder / name)
    for name, text in tables.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def labels(rows: list[LabelledImage]) -> dict[str, tuple[bool, str]]:
    return {row.isic_id: (row.malignant, row.diagnosis) for row in rows}


ARCHIVE = """isic_id,attribution,diagnosis_1,diagnosis_2,diagnosis_3,diagnosis_4,diagnosis_5,image_type
a,Clínic,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma in situ,,,dermoscopic
b,Clínic,Benign,Benign melanocytic proliferations,Nevus,"Nevus, Atypical, Dysplastic, or Clark",,dermoscopic
c,Clínic,Indeterminate,Indeterminate epidermal proliferations,Solar or actinic keratosis,,,dermoscopic
d,Clínic,Benign,Benign adnexal epithelial proliferations - Follicular,Nevus comedonicus,,,dermoscopic
e,Clínic,Benign,Benign adnexal epithelial proliferations - Sebaceous,Nevus sebaceus,,,dermoscopic
f,Clínic,Benign,Benign soft tissue proliferations - Vascular,Nevus anemicus,,,dermoscopic
g,Clínic,Indeterminate,Indeterminate melanocytic proliferations,Atypical melanocytic neoplasm,,,dermoscopic
h,Clínic,Malignant,Malignant melanocytic proliferations (Melanoma),,,,dermoscopic
i,Clínic,Malignant,,,,,dermoscopic
j,Clínic,,,,,,dermoscopic
k,Clínic,Malignant,Malignant melanocytic proliferations (Melanoma),"Melanoma, NOS",,,RCM: tile
l,Clínic,Benign,Benign melanocytic proliferations,Nevus,,,clinical: overview
m,Clínic,Benign,Benign melanocytic proliferations,Nevus,,,clinical: close-up
n,Clínic,Benign,Benign melanocytic proliferations,Nevus,,,dermoscopic
"""


def test_read_archive_of_today(tmp_path: Path) -> None:
    """The mapping wins over Indeterminate; other malformations called nevus are benign without a diagnosis."""
    data = read_data([folder_with(tmp_path, {"metadata.csv": ARCHIVE}, *(f"{name}.jpg" for name in "abcdefghijklm"))])
    assert labels(data.rows) == {
        "a": (True, "melanoma"),
        "b": (False, "nevus"),
        "c": (True, "actinic_keratosis"),
        "d": (False, ""),
        "e": (False, ""),
        "f": (False, ""),
        "h": (True, "melanoma"),
        "i": (True, ""),
        "m": (False, "nevus"),
    }
    assert {row.isic_id: row.image_type for row in data.rows}["m"] == "clinical"
    [source] = data.summary.sources
    assert source.left_out == {"Indeterminate": 1, "no label": 1, "other image type": 2, "no file": 1}
    assert source.details["other image type"] == {"RCM: tile": 1, "clinical: overview": 1}
    assert (source.rows, source.used) == (14, 9)
    text = "\n".join(data.summary.lines())
    assert "14 rows, 9 used; left out:" in text and "Clínic, dermoscopic 8 (4 malignant)" in text
    assert json.dumps(data.summary.json())


HAM10000 = "lesion_id,image_id,dx,dx_type,age,sex,localization\nH1,a,mel,histo,1,male,back\nH2,b,bkl,histo,1,male,back\n"
ISIC_2019 = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\na,0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0\nb,0,1,0,0,0,0,0,0,0\n"
ISIC_2019_METADATA = "image,age_approx,anatom_site_general,lesion_id,sex\na,55,back,L1,male\nb,55,back,L2,male\n"
ISIC_2020 = (
    "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target\n"
    "a,IP_1,male,45,torso,unknown,malignant,1\nb,IP_2,male,45,torso,seborrheic keratosis,benign,0\n"
)
ISIC_2024 = (
    "isic_id,target,patient_id,image_type,attribution,iddx_full,iddx_1,iddx_2,iddx_3,lesion_id\n"
    "a,1,IP_1,TBP tile: close-up,QIMR,x,Malignant,Malignant epidermal proliferations,Basal cell carcinoma,\n"
    "b,0,IP_2,TBP tile: close-up,QIMR,Benign,Benign,,,\n"
)
PAD_UFES_20 = (
    "patient_id,lesion_id,smoke,fitspatrick,diagnostic,itch,img_id,biopsed\n"
    "P1,1,True,3,ACK,False,a.png,True\nP2,2,,,SEK,False,b.png,False\n"
)
MILK10K = (
    "lesion_id,AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC\n"
    "IL_1,0,0,0,0,0,0,0,0,0,1,0\nIL_2,0,0,0,0,0,1,0,0,0,0,0\n"
)
MILK10K_METADATA = (
    "lesion_id,image_type,isic_id,attribution,copyright_license,image_manipulation,age_approx,sex,skin_tone_class,site\n"
    "IL_1,dermoscopic,a,MILK,CC-BY-NC,,50,male,3,head\nIL_2,clinical: close-up,b,MILK,CC-BY-NC,,50,male,3,head\n"
)
CASES = {
    "HAM10000": ({"HAM10000_metadata.csv": HAM10000}, (True, "melanoma"), (False, "benign_keratosis"), "H1", "dermoscopic"),
    "ISIC 2019": (
        {"ISIC_2019_Training_GroundTruth.csv": ISIC_2019, "ISIC_2019_Training_Metadata.csv": ISIC_2019_METADATA},
        (True, "actinic_keratosis"),
        (False, "nevus"),
        "L1",
        "dermoscopic",
    ),
    "ISIC 2020": ({"train.csv": ISIC_2020}, (True, ""), (False, "benign_keratosis"), "IP_1", "dermoscopic"),
    "ISIC 2024": ({"train-metadata.csv": ISIC_2024}, (True, "basal_cell_carcinoma"), (False, ""), "IP_1", "clinical"),
    "PAD-UFES-20": (
        {"metadata.csv": PAD_UFES_20},
        (True, "actinic_keratosis"),
        (False, "benign_keratosis"),
        "P1",
        "clinical",
    ),
    "MILK10k": (
        {"MILK10k_Training_GroundTruth.csv": MILK10K, "MILK10k_Training_Metadata.csv": MILK10K_METADATA},
        (True, "squamous_cell_carcinoma"),
        (False, "other_benign"),
        "IL_1",
        "dermoscopic",
    ),
    "plain": (
        {"labels.csv": "filename,label\na.jpg,malignant\nimages/b.jpg,0\n"},
        (True, ""),
        (False, ""),
        "a",
        "dermoscopic",
    ),
    "diagnoses": (
        {"labels.csv": "Image;Label\na;Melanoma\nb;NV\n"},
        (True, "melanoma"),
        (False, "nevus"),
        "a",
        "dermoscopic",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_read_layout(tmp_path: Path, case: str) -> None:
    """The images lie in a folder of any name below the table, as in the downloads."""
    tables, first, second, group, image_type = CASES[case]
    suffix = ".png" if case == "PAD-UFES-20" else ".jpg"
    rows = read_table(folder_with(tmp_path, tables, f"part_1/a{suffix}", f"images/b{suffix}"))
    assert [(row.malignant, row.diagnosis) for row in rows] == [first, second]
    assert (rows[0].group, rows[0].image_type) == (group, image_type)
    assert [row.path.stem for row in rows] == ["a", "b"]


def test_read_layout_of_a_table(tmp_path: Path) -> None:
    """`--data TABLE` reads one of several tables."""
    tables = {"train.csv": "filename,label\na.jpg,1\n", "val.csv": "filename,label\nb.jpg,0\n"}
    folder = folder_with(tmp_path, tables, "a.jpg", "b.jpg")
    assert labels(read_table(folder / "val.csv")) == {"b": (False, "")}
    with pytest.raises(DataError, match=r"several tables with labels: train\.csv, val\.csv"):
        read_table(folder)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (["benign/1.jpg", "malignant/1.jpg"], {"benign/1": (False, ""), "malignant/1": (True, "")}),
        (["melanoma/x.png", "Nevus/x.png"], {"melanoma/x": (True, "melanoma"), "Nevus/x": (False, "nevus")}),
        (["train/mel/1.jpg", "valid/nv/2.jpg"], {"train/mel/1": (True, "melanoma"), "valid/nv/2": (False, "nevus")}),
    ],
)
def test_read_class_folders(tmp_path: Path, images: list[str], expected: dict[str, tuple[bool, str]]) -> None:
    rows = read_table(folder_with(tmp_path, {}, *images))
    assert labels(rows) == expected
    if images[0].startswith("train"):
        assert {row.isic_id.split("/")[0]: row.split for row in rows} == {"train": "train", "valid": "val"}


def test_read_class_folders_names_an_unknown_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'eczema' \(1 images\).*--class-map"):
        read_table(folder_with(tmp_path, {}, "melanoma/1.jpg", "eczema/1.jpg"))


CLASS_MAPS = {
    "map.csv": "label,malignant,class\nSpitz,no,spitz nevus\nReed,no,spitz nevus\nMerkel,yes,\nrash,,\n",
    "map.json": json.dumps(
        {
            "spitz": {"malignant": False, "class": "spitz nevus"},
            "reed": {"malignant": "no", "class": "spitz nevus"},
            "merkel": True,
            "rash": None,
        }
    ),
}


@pytest.mark.parametrize("name", CLASS_MAPS)
def test_read_own_classes(tmp_path: Path, name: str) -> None:
    table = "name,finding\na,spitz\nb,Reed\nc,merkel\nd,rash\n"
    folder = folder_with(tmp_path, {"own.csv": table}, *(f"{image}.jpg" for image in "abcd"))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / name).write_text(CLASS_MAPS[name])
    options = DataOptions("Finding", read_class_map(tmp_path / "maps" / name))
    data = read_data([folder], options)
    assert labels(data.rows) == {"a": (False, "spitz_nevus"), "b": (False, "spitz_nevus"), "c": (True, "merkel")}
    assert data.summary.sources[0].left_out == {"left out by the class map": 1}
    assert training_classes(data.rows) == {"merkel": True, "spitz_nevus": False}
    (folder / "own.csv").write_text("name,finding\na,Unheard\nb,Reed\n")
    with pytest.raises(DataError, match=r"'Unheard' \(1 rows, the first is a\).*Columns found: name, finding"):
        read_data([folder], options)


def test_read_class_map_applies_to_known_tables(tmp_path: Path) -> None:
    """The default classes may count otherwise, and then only those of the map are classes."""
    (tmp_path / "map.csv").write_text("label,malignant\nmel,yes\nbkl,no\n")
    folder = folder_with(tmp_path / "data", {"metadata.csv": ""}, "a.jpg", "b.jpg")
    (folder / "metadata.csv").write_text(HAM10000)
    rows = read_table(folder, DataOptions(class_map=read_class_map(tmp_path / "map.csv")))
    assert training_classes(rows) == {"mel": True, "bkl": False} and rows[0].dataset == "HAM10000"
    assert set(training_classes(read_table(folder))) == set(CLASSES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label\nx\n", "no column `malignant`"),
        ("label,malignant\nx,perhaps\n", "'perhaps' as malignant"),
        ("label,malignant,class\nx,yes,c\ny,no,c\n", "c is malignant and that it is benign"),
        ("label,malignant\nx,\n", "no label that is malignant or benign"),
    ],
)
def test_read_class_map_names_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_class_map(tmp_path / "map.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_read_encoding(tmp_path: Path, encoding: str) -> None:
    images = [f"{name}.jpg" for name in "ab"]
    data = read_data([folder_with(tmp_path, {"metadata.csv": ARCHIVE}, *images, encoding=encoding)])
    assert {row.dataset for row in data.rows} == {"Clínic"}
    assert ("read as" in "\n".join(data.summary.lines())) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04rest", "a spreadsheet or an archive. Save it as CSV"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"isic_id,diagnosis\na,m\x81lanoma\n", "Save it as UTF-8"),
        (b"", "is empty"),
        (b"isic_id,label,label\n", "the column label twice"),
        (b'isic_id,label,note\na,nevus,"left\nb,melanoma,right\n', r"line 2, cannot be read as CSV \(.*quotation marks"),
        (b"isic_id,label\na,nevus,more\n", r"line 2, has 3 values and the header 2 columns"),
        (b"picture,label\na,nevus\n", "no column with the images .*Columns found: picture, label"),
        (b"isic_id,Age\na,3\n", "no column with labels .*Columns found: isic_id, Age"),
        (b"image,label\na,eczema\n", r"'eczema' \(1 rows, the first is a\)"),
        (b"image,label\nz,nevus\n", r"1 rows, left out: no file 1\. .*2 images.*names z\. Columns found: image, label"),
        (b"image,MEL,NV\na,1,1\n", "MEL=1, NV=1"),
    ],
)
def test_read_unusable_table(tmp_path: Path, content: bytes, said: str) -> None:
    """The message names the file, what is wrong, and the columns found."""
    folder_with(tmp_path, {}, "a.jpg", "b.jpg")
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"metadata\.csv.*{said}"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,melanoma,L1\na,nevus,L1\n", "a with different labels: melanoma, nevus"),
        ("a,melanoma,L1\na,melanoma,L2\n", "a twice with different values of lesion_id: L1, L2"),
    ],
)
def test_read_contradictory_rows(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_table(folder_with(tmp_path, {"metadata.csv": f"isic_id,diagnosis,lesion_id\n{rows}"}, "a.jpg"))


def test_read_duplicate_rows_once(tmp_path: Path) -> None:
    table = "isic_id,diagnosis,benign_malignant\na,,malignant\na,melanoma,\na,melanoma,\nb,nevus,\n"
    data = read_data([folder_with(tmp_path, {"metadata.csv": table}, "a.jpg", "b.jpg")])
    assert labels(data.rows) == {"a": (True, "melanoma"), "b": (False, "nevus")}
    assert data.summary.sources[0].left_out == {"duplicate": 2}


def test_read_paths_outside_the_folder(tmp_path: Path) -> None:
    """Absolute paths and paths with `..` name files that are not below the table's folder."""
    folder_with(tmp_path, {}, "photos/a.jpg", "photos/b.JPG")
    (tmp_path / "table").mkdir()
    (tmp_path / "table/metadata.csv").write_text(
        f"filename,label\n{tmp_path}/photos/a.jpg,benign\n../photos/b.jpg,malignant\n"
    )
    rows = read_table(tmp_path / "table")
    assert [row.path.resolve() for row in rows] == [tmp_path / "photos/a.jpg", tmp_path / "photos/b.JPG"]


@pytest.mark.parametrize("inner", ["", "images/"])
def test_read_paths_of_another_machine(tmp_path: Path, inner: str) -> None:
    """Of two files with one name, that with more folders of the path in common is the image."""
    table = "filename,label\nD:\\study\\benign\\1.jpg,0\nD:\\study\\malignant\\1.jpg,1\n"
    folder_with(tmp_path, {"metadata.csv": table}, f"{inner}benign/1.jpg", f"{inner}malignant/1.jpg")
    assert [row.path.parent.name for row in read_table(tmp_path)] == ["benign", "malignant"]


def test_read_one_file_for_two_rows(tmp_path: Path) -> None:
    table = "filename,label\nleft/1.jpg,benign\nright/1.jpg,malignant\n"
    folder_with(tmp_path, {"metadata.csv": table}, "left/1.jpg")
    with pytest.raises(DataError, match=r"has left/1 and right/1, and \S+1\.jpg is the only file for both"):
        read_table(tmp_path)


def test_read_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may list every folder, so the system's answer is replaced."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match=f"{tmp_path} cannot be read \\(Permission denied\\)"):
        read_table(tmp_path)
