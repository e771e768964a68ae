"""Folders of images in each layout that `export.data` reads, with the tables that the data sets come with."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from export.data.labels import CLASSES
from export.data.splits import assign_split


@dataclass(frozen=True)
class Image:
    """An image file and its diagnosis, a key of `CLASSES`; the name also names its lesion and patient."""

    name: str
    path: Path
    diagnosis: str

    @property
    def side(self) -> str:
        return "malignant" if CLASSES[self.diagnosis] else "benign"


def images_of(files: Sequence[tuple[Path, str]], splits: Mapping[str, int], first: int = 0) -> list[Image]:
    """Return images with names whose hash assigns them to splits, also where the name of their side is before theirs.

    Args:
        files: pairs of file and diagnosis, which are taken in turn.
        splits: split -> number of images.
        first: number of the first name, so that folders have different images.
    """
    images: list[Image] = []
    numbers = count(first)
    for split, wanted in splits.items():
        for _ in range(wanted):
            path, diagnosis = files[len(images) % len(files)]
            side = Image("", path, diagnosis).side
            name = next(
                name
                for number in numbers
                if {assign_split(name := f"ISIC_{number:07}"), assign_split(f"{side}/{name}")} == {split}
            )
            images.append(Image(name, path, diagnosis))
    return images


def write_folder(layout: str, folder: Path, images: Sequence[Image]) -> Path:
    """Write a folder in a layout of `LAYOUTS`, with links to the images; return the folder."""
    for name, lines in LAYOUTS[layout](images):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(lines, Path):
            target.symlink_to(lines)
        else:
            with target.open("w", newline="") as file:
                csv.writer(file).writerows(lines)
    return folder


Files = Iterator[tuple[str, Path | list[list[str]]]]
"""Names in the folder, and the file that a link leads to, or the lines of a table."""

_ARCHIVE = {
    "melanoma": ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma Invasive"),
    "nevus": ("Benign", "Benign melanocytic proliferations", "Nevus"),
    "basal_cell_carcinoma": (
        "Malignant",
        "Malignant epidermal proliferations",
        "Basal cell carcinoma",
    ),
    "actinic_keratosis": ("Indeterminate", "Indeterminate epidermal proliferations", "Solar or actinic keratosis"),
    "benign_keratosis": ("Benign", "Benign epidermal proliferations", "Pigmented benign keratosis"),
    "dermatofibroma": ("Benign", "Benign soft tissue proliferations - Fibro-histiocytic", "Dermatofibroma"),
    "vascular_lesion": ("Benign", "Benign soft tissue proliferations - Vascular", "Hemangioma"),
}
_ISIC_2019 = dict(zip(CLASSES, ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC"), strict=True))
_HAM10000 = {code: "akiec" if name == "AK" else name.lower() for code, name in _ISIC_2019.items()}
_MILK10K = {code: "AKIEC" if name == "AK" else name for code, name in _ISIC_2019.items()}
# PAD-UFES-20 has neither dermatofibromas nor vascular lesions.
_PAD = {"melanoma": "MEL", "nevus": "NEV", "basal_cell_carcinoma": "BCC", "actinic_keratosis": "ACK"}


def _links(images: Sequence[Image], folder: str, suffix: str = "jpg") -> Files:
    yield from ((f"{folder}/{image.name}.{suffix}", image.path) for image in images)


def _archive(images: Sequence[Image]) -> Files:
    names = ["isic_id", "attribution", "copyright_license", "diagnosis_1", "diagnosis_2", "diagnosis_3", "image_type"]
    rows = [[one.name, "A clinic", "CC-0", *_ARCHIVE[one.diagnosis], "dermoscopic", one.name] for one in images]
    yield "metadata.csv", [[*names, "lesion_id"], *rows]
    yield from _links(images, "images")


def _ham10000(images: Sequence[Image]) -> Files:
    rows = [[one.name, one.name, _HAM10000[one.diagnosis], "histo", "50", "male", "back"] for one in images]
    yield (
        "HAM10000_metadata.csv",
        [["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"], *rows],
    )
    yield from _links(images[::2], "HAM10000_images_part_1")
    yield from _links(images[1::2], "HAM10000_images_part_2")


def _one_hot(columns: Sequence[str], marked: str) -> list[str]:
    return ["1.0" if column == marked else "0.0" for column in columns]


def _isic_2019(images: Sequence[Image]) -> Files:
    columns = [*_ISIC_2019.values(), "SCC", "UNK"]
    rows = [[one.name, *_one_hot(columns, _ISIC_2019[one.diagnosis])] for one in images]
    yield "ISIC_2019_Training_GroundTruth.csv", [["image", *columns], *rows]
    about = [[one.name, "55", "anterior torso", one.name, "female"] for one in images]
    yield (
        "ISIC_2019_Training_Metadata.csv",
        [["image", "age_approx", "anatom_site_general", "lesion_id", "sex"], *about],
    )
    yield from _links(images, "ISIC_2019_Training_Input")


def _isic_2020(images: Sequence[Image]) -> Files:
    names = ["image_name", "patient_id", "sex", "age_approx", "diagnosis", "benign_malignant", "target"]
    rows = [
        [one.name, one.name, "male", "45", _diagnosis_of_2020(one), one.side, str(int(CLASSES[one.diagnosis]))]
        for one in images
    ]
    yield "train.csv", [names, *rows]
    yield "sample_submission.csv", [["image_name", "target"], ["ISIC_1", "0"]]
    yield from _links(images, "train")


def _diagnosis_of_2020(image: Image) -> str:
    return image.diagnosis if image.diagnosis in ("melanoma", "nevus") else "unknown"


def _isic_2024(images: Sequence[Image]) -> Files:
    names = ["isic_id", "target", "patient_id", "image_type", "attribution", "iddx_full", "iddx_1", "iddx_2", "iddx_3"]
    rows = [
        [one.name, str(int(CLASSES[one.diagnosis])), one.name, "TBP tile: close-up", "QIMR", "", *_ARCHIVE[one.diagnosis]]
        for one in images
    ]
    yield "train-metadata.csv", [names, *rows]
    yield from _links(images, "train-image/image")


def _pad_ufes_20(images: Sequence[Image]) -> Files:
    rows = [[one.name, one.name, _PAD.get(one.diagnosis, "SEK"), f"{one.name}.png", "True"] for one in images]
    yield "metadata.csv", [["patient_id", "lesion_id", "diagnostic", "img_id", "biopsed"], *rows]
    yield from _links(images, "imgs_part_1", "png")


def _milk10k(images: Sequence[Image]) -> Files:
    columns = ["AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC"]
    rows = [[one.name, *_one_hot(columns, _MILK10K[one.diagnosis])] for one in images]
    yield "MILK10k_Training_GroundTruth.csv", [["lesion_id", *columns], *rows]
    about = [[one.name, "dermoscopic", one.name, "MILK study team", "CC-BY-NC"] for one in images]
    yield (
        "MILK10k_Training_Metadata.csv",
        [["lesion_id", "image_type", "isic_id", "attribution", "copyright_license"], *about],
    )
    yield from ((f"MILK10k_Training_Input/{image.name}/{image.name}.jpg", image.path) for image in images)


def _class_names(images: Sequence[Image]) -> Files:
    folders = {"train": "train", "val": "valid", "test": "test"}
    yield from ((f"{folders[assign_split(one.name)]}/{one.diagnosis}/{one.name}.jpg", one.path) for one in images)


def _sides(images: Sequence[Image]) -> Files:
    yield from ((f"{one.side}/{one.name}.jpg", one.path) for one in images)


def _plain(images: Sequence[Image]) -> Files:
    yield "labels.csv", [["filename", "label"], *([f"{one.name}.jpg", one.side] for one in images)]
    yield from ((f"{one.name}.jpg", one.path) for one in images)


LAYOUTS: dict[str, Callable[[Sequence[Image]], Files]] = {
    "archive": _archive,
    "HAM10000": _ham10000,
    "ISIC 2019": _isic_2019,
    "ISIC 2020": _isic_2020,
    "ISIC 2024": _isic_2024,
    "PAD-UFES-20": _pad_ufes_20,
    "MILK10k": _milk10k,
    "class names": _class_names,
    "benign and malignant": _sides,
    "filename and label": _plain,
}
"""Layout -> files of a folder in it."""
