"""DenseNet-161, the network of the 2019 app, is trained and converted like any other architecture."""

from pathlib import Path

import pytest
from lesion.imaging.decode import decode
from lesion.inference.classify import classify
from lesion.inference.model import Model

from export.checkpoints.recipe import Phase
from export.commands import convert, train
from tests.support.paths import SAMPLES
from tests.support.small_training import conversion_options, training_options


@pytest.mark.slow
def test_densenet161_is_trained_converted_and_classifies(archive: Path, tmp_path: Path) -> None:
    options = training_options(archive, tmp_path)
    options.arch, options.size, options.phases = "densenet161", 64, [Phase(32, 1, 4)]
    train.main(options)
    out = tmp_path / "lesion.onnx"
    convert.main(conversion_options(tmp_path / "checkpoint.pt", archive, out))
    model = Model(out)
    assert model.card.architecture == "densenet161"
    image_bytes = (SAMPLES / "ISIC_0010021.jpg").read_bytes()
    outputs = model.run(decode(image_bytes).pixels)
    assert outputs.evidence.mean() + outputs.bias == pytest.approx(outputs.logit, abs=1e-4)
    # Trained on twelve images, it may refuse every image.
    answer = classify(image_bytes, model)
    assert (answer.prediction is None) == (answer.status == "refused")
