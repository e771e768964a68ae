"""`lesion.load` in Python: one answer for a path, its bytes and its pixels."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lesion import load
from lesion.errors import InvalidImage, ModelFileError, UnsupportedFormat
from lesion.inference.schemas import Classification
from PIL import Image

from tests.support.paths import SAMPLES

IMAGE = SAMPLES / "ISIC_0000026.jpg"


def without_timing(answer: Classification) -> Classification:
    return replace(answer, timing_ms=None)  # type: ignore[arg-type]


def test_path_and_bytes_have_one_answer(stand_in_file: Path) -> None:
    classifier = load(stand_in_file)
    answers = [classifier.classify(image, views=8) for image in (IMAGE, str(IMAGE), IMAGE.read_bytes())]
    assert answers[0].prediction is not None and answers[0].image.format == "JPEG"
    assert len({repr(without_timing(answer)) for answer in answers}) == 1


def test_array_has_the_answer_of_its_file(stand_in_file: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (80, 100, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    classifier = load(stand_in_file)
    answer, of_file = classifier.classify(pixels), classifier.classify(tmp_path / "a.png")
    assert answer.prediction == of_file.prediction and answer.evidence == of_file.evidence
    assert (answer.image.width, answer.image.height, answer.image.format) == (100, 80, "array")
    turned = classifier.classify(np.rot90(pixels))
    assert (turned.image.width, turned.image.height) == (80, 100)
    assert classifier.classify(pixels, evidence=False).evidence is None


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8),
    ],
)
def test_other_arrays_are_rejected(stand_in_file: Path, pixels: np.ndarray) -> None:
    with pytest.raises(InvalidImage, match=r"uint8 of shape \(height, width, 3\), in RGB"):
        load(stand_in_file).classify(pixels)


def test_errors_say_what_is_wrong(stand_in_file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(stand_in_file).classify(tmp_path / "gone.jpg")
    with pytest.raises(UnsupportedFormat):
        load(stand_in_file).classify(b"no image")
    with pytest.raises(ModelFileError, match="Put a model there"):
        load(tmp_path / "gone.onnx")


def test_load_reads_the_environment(stand_in_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESION_MODEL", str(stand_in_file))
    assert load().card.version == "stand-in"
    assert load(str(stand_in_file), threads=2).card.version == "stand-in"


def test_classify_is_used_by_several_threads(stand_in_file: Path) -> None:
    classifier = load(stand_in_file)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(classifier.classify, [IMAGE] * 8))
    assert len({repr(without_timing(answer)) for answer in answers}) == 1
