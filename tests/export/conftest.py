"""Fixtures: a small data folder of real images, a small network trained on it, and its model file."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageFilter, ImageOps

from export.commands import convert, train
from export.data.labels import LabelledImage
from export.data.tables import read_table
from export.evaluation import bootstrap
from tests.support.paths import SAMPLES
from tests.support.small_training import conversion_options, training_options


@pytest.fixture(scope="session", autouse=True)
def few_draws() -> Iterator[None]:
    """Reduce the bootstrap resamples: a thousand would take minutes, and intervals of eight images mean nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "RESAMPLES", 40)
        yield


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder for training: the sample images, each in train, val and test under IDs of its own."""
    folder = tmp_path_factory.mktemp("archive")
    samples = json.loads((SAMPLES / "samples.json").read_text())
    with (folder / "metadata.csv").open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["isic_id", "benign_malignant", "diagnosis", "dataset", "lesion_group", "split"])
        for split in ("train", "val", "test"):
            for sample in samples:
                name = f"{split}-{sample['id']}"
                (folder / f"{name}.jpg").symlink_to(SAMPLES / f"{sample['id']}.jpg")
                table.writerow(
                    [name, "malignant" if sample["malignant"] else "benign", sample["diagnosis"], "CC0", name, split]
                )
    return folder


@pytest.fixture(scope="session")
def typed_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder like `archive` with the images of both types.

    The clinical ones show the same lesions, see `as_clinical`.
    """
    folder = tmp_path_factory.mktemp("typed_archive")
    samples = json.loads((SAMPLES / "samples.json").read_text())
    with (folder / "metadata.csv").open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["isic_id", "image_type", "benign_malignant", "diagnosis", "dataset", "lesion_group", "split"])
        for split in ("train", "val", "test"):
            for sample in samples:
                for image_type in ("dermoscopic", "clinical: close-up"):
                    name = f"{split}-{sample['id']}-{image_type[:4]}"
                    source, target = SAMPLES / f"{sample['id']}.jpg", folder / f"{name}.jpg"
                    if image_type == "dermoscopic":
                        target.symlink_to(source)
                    else:
                        as_clinical(Image.open(source)).save(target)
                    status, group = "malignant" if sample["malignant"] else "benign", f"{split}-{sample['id']}"
                    table.writerow([name, image_type, status, sample["diagnosis"], "CC0", group, split])
    return folder


def as_clinical(image: Image.Image) -> Image.Image:
    """Return an image of 400 x 300 pixels with a bright frame, so that it has other features and a similar logit."""
    framed = ImageOps.expand(image.convert("RGB").resize((340, 240)), 30, (235, 160, 130))
    return framed.filter(ImageFilter.GaussianBlur(1))


@pytest.fixture(scope="session")
def typed_rows(typed_archive: Path) -> list[LabelledImage]:
    return read_table(typed_archive)


@pytest.fixture(scope="session")
def rows(archive: Path) -> list[LabelledImage]:
    return read_table(archive)


@pytest.fixture(scope="session")
def checkpoint(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train.main(training_options(archive, out))
    return out / "checkpoint.pt"


@pytest.fixture(scope="session")
def converted(checkpoint: Path, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small network's model file, written by `export.commands.convert`."""
    out = tmp_path_factory.mktemp("models") / "lesion.onnx"
    convert.main(conversion_options(checkpoint, archive, out))
    return out


@pytest.fixture(scope="session")
def converted_types(checkpoint: Path, typed_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small network's model file for both image types."""
    out = tmp_path_factory.mktemp("typed_models") / "lesion.onnx"
    convert.main(conversion_options(checkpoint, typed_archive, out))
    return out
