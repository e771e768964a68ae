"""`classify` applies the setting of the image's type, given or detected, and of the number of views."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from lesion.errors import UnsupportedImageType
from lesion.inference.card import IMAGE_TYPES, VIEWS, ImageType
from lesion.inference.card_schema import describe_model
from lesion.inference.classify import classify
from lesion.inference.model import Model
from PIL import Image

from tests.support.stand_in_model import BIAS, SHIFTS, build


def png(red: int, blue: int) -> bytes:
    """Blue is the probability that the image is clinical, in 255ths."""
    buffer = BytesIO()
    Image.new("RGB", (64, 64), (red, 20, blue)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize(("blue", "image_type"), [(60, "dermoscopic"), (150, "clinical")])
@pytest.mark.parametrize("is_given", [False, True])
def test_classify_applies_the_setting(
    two_types: Model, views: int, blue: int, image_type: ImageType, is_given: bool
) -> None:
    """A given type overrides the detected one, which is the other here."""
    sent = 210 - blue if is_given else blue
    answer = classify(png(51, sent), two_types, views=views, image_type=image_type if is_given else None)
    setting = 2 * IMAGE_TYPES.index(image_type) + (views > 1)
    assert answer.prediction is not None
    expected = 1 / (1 + np.exp(-(8 * 51 / 255 + BIAS + SHIFTS[setting])))
    assert answer.prediction.malignant_probability == pytest.approx(expected, abs=1e-6)
    assert answer.prediction.threshold == two_types.card.point(image_type, views).threshold
    assert (answer.image.type, answer.image.type_source) == (image_type, "given" if is_given else "detected")
    expected_share = sent / 255 if image_type == "clinical" else 1 - sent / 255
    assert answer.image.type_probability == pytest.approx(expected_share, abs=1e-6)


def test_classify_reports_short_type_probabilities(two_types: Model) -> None:
    for blue in range(0, 256, 5):
        share = classify(png(51, blue), two_types).image.type_probability
        assert share is not None and len(str(share)) <= 13


@pytest.mark.parametrize("image_type", IMAGE_TYPES)
def test_classify_of_a_single_type_assumes_it(tmp_path: Path, image_type: ImageType) -> None:
    model = Model(build(tmp_path / "m.onnx", image_types=[image_type]))
    for blue in (20, 200):
        answer = classify(png(51, blue), model)
        assert (answer.image.type, answer.image.type_source) == (image_type, "assumed")
        assert answer.image.type_probability is None
    answer = classify(png(51, 200), model, image_type=image_type)
    assert (answer.image.type_source, answer.image.type_probability) == ("given", None)


def test_classify_returns_no_map_of_a_model_without_evidence(tmp_path: Path) -> None:
    model = Model(build(tmp_path / "m.onnx", evidence=False))
    answer = classify(png(51, 20), model)
    assert answer.prediction is not None and answer.evidence is None
    assert describe_model(model)["has_evidence"] is False
    assert describe_model(Model(build(tmp_path / "m.onnx")))["has_evidence"] is True


def _old(tmp_path: Path) -> Path:
    return build(tmp_path / "m.onnx")


def _single(tmp_path: Path) -> Path:
    return build(tmp_path / "m.onnx", image_types=["dermoscopic"])


@pytest.mark.parametrize("build_file", [_old, _single])
def test_classify_rejects_an_unsupported_type(tmp_path: Path, build_file: Callable[[Path], Path]) -> None:
    """Before the image is decoded."""
    model = Model(build_file(tmp_path))
    with pytest.raises(UnsupportedImageType, match="does not classify clinical images, only dermoscopic ones"):
        classify(b"no image", model, image_type="clinical")
    assert classify(png(51, 20), model, image_type="dermoscopic").image.type_source == "given"
