"""The serving graph returns the outputs of PyTorch, for images of any size, in any of the eight views."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from lesion.imaging.decode import Pixels, decode
from lesion.inference.model import Model

from export.checkpoints.reader import read_checkpoint
from export.data.transforms import crop_square, resize
from export.graph.assemble import NetworkCore, assemble, export_network, placement
from export.graph.calibration import platt
from export.graph.parameters import GraphParameters, OodStatistics
from export.nn.lesion_net import LesionNet
from tests.support.paths import SAMPLES

CALIBRATION = platt(1.5, -0.25)


def fitted(statistics: OodStatistics) -> GraphParameters:
    """Return parameters of dermoscopic images with one calibration."""
    return GraphParameters({"dermoscopic": statistics}, {"dermoscopic": {1: CALIBRATION, 8: CALIBRATION}}, None)


@pytest.fixture(scope="module")
def core(checkpoint: Path) -> NetworkCore:
    network = read_checkpoint(checkpoint).network
    assert isinstance(network, LesionNet)
    with torch.no_grad():
        # After two epochs the logits are close to zero; larger weights make differences visible.
        network.malignant.weight *= 30
    return NetworkCore(network).eval()


@pytest.fixture(scope="module")
def session(core: NetworkCore) -> ort.InferenceSession:
    model = assemble(export_network(core), core.network, fitted(OodStatistics.placeholder(core.features)))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(session: ort.InferenceSession, pixels: Pixels, **feed: int) -> dict[str, np.ndarray]:
    names = [output.name for output in session.get_outputs()]
    inputs = {"image": np.ascontiguousarray(pixels)[np.newaxis], **{name: np.array(value) for name, value in feed.items()}}
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return decode((SAMPLES / "ISIC_0010021.jpg").read_bytes(), at_least=200).pixels


@pytest.mark.parametrize("shape", [(384, 512), (301, 200), (97, 97), (40, 70), (1, 1)])
def test_graph_logit_matches_pytorch_for_any_image_size(
    session: ort.InferenceSession, core: NetworkCore, pixels: Pixels, shape: tuple[int, int]
) -> None:
    part = np.resize(pixels, (*shape, 3)) if min(shape) == 1 else pixels[: shape[0], : shape[1]]
    square = torch.from_numpy(np.ascontiguousarray(crop_square(part).transpose(2, 0, 1)))[None].float()
    with torch.inference_mode():
        cells = core(resize(square, 96))[0]
        logit = float(cells.mean()) + (core.network.constant_bias or 0)
    outputs = run(session, part)
    assert outputs["logit"] == pytest.approx(logit, abs=1e-4)
    assert outputs["evidence"].shape == cells.shape[1:]


def test_graph_evidence_sums_to_logit_and_is_calibrated(
    session: ort.InferenceSession, core: NetworkCore, pixels: Pixels
) -> None:
    for views in (1, 8):
        outputs = run(session, pixels, views=views)
        bias = core.network.constant_bias
        assert outputs["evidence"].mean() + bias == pytest.approx(outputs["logit"], abs=1e-5)
        expected = 1 / (1 + np.exp(-(1.5 * outputs["logit"] - 0.25)))
        assert outputs["probability"] == pytest.approx(expected, abs=1e-6)


def test_graph_malignant_classes_sum_to_the_probability(
    session: ort.InferenceSession, core: NetworkCore, pixels: Pixels
) -> None:
    outputs = run(session, pixels)
    malignant = np.array(core.network.spec.malignant)
    assert outputs["classes"].sum() == pytest.approx(1, abs=1e-6)
    assert outputs["classes"][malignant].sum() == pytest.approx(outputs["probability"], abs=1e-6)


def test_graph_uses_one_view_by_default(session: ort.InferenceSession, pixels: Pixels) -> None:
    assert run(session, pixels)["logit"] == run(session, pixels, views=1)["logit"]
    assert run(session, pixels)["spread"] == 0


@pytest.mark.parametrize("side", [384, 211, 97])
def test_graph_eight_views_average_quarter_turns_of_two_scales(
    session: ort.InferenceSession, pixels: Pixels, side: int
) -> None:
    square, margin = pixels[:side, :side], side // 10
    scales = (square, square[margin : side - margin, margin : side - margin])
    views = [[run(session, np.rot90(scale, k)) for k in range(4)] for scale in scales]
    logits = [float(view["logit"]) for turns in views for view in turns]
    outputs = run(session, square, views=8)
    assert outputs["logit"] == pytest.approx(np.mean(logits), abs=1e-4)
    assert outputs["spread"] == pytest.approx(np.std(logits), abs=1e-4)

    whole, middle = (np.mean([np.rot90(view["evidence"], -k) for k, view in enumerate(turns)], 0) for turns in views)
    place = placement(len(whole))
    assert np.allclose(outputs["evidence"], (whole + place @ middle @ place.T) / 2, atol=1e-4)


def test_graph_eight_view_evidence_rotates_with_the_image(session: ort.InferenceSession, pixels: Pixels) -> None:
    square = crop_square(pixels)
    upright = run(session, square, views=8)["evidence"]
    assert not np.allclose(upright, np.rot90(upright), atol=1e-2)
    for k in range(1, 4):
        turned = run(session, np.rot90(square, k), views=8)["evidence"]
        assert np.allclose(turned, np.rot90(upright, k), atol=1e-3)


def test_graph_quality_describes_the_network_input(session: ort.InferenceSession) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (192, 192, 3), np.uint8)
    flat = np.full((48, 64, 3), 51, np.uint8)
    sharp, grey = run(session, noise)["quality"], run(session, flat)["quality"]
    assert sharp[0] > 100 and grey[0] == pytest.approx(0, abs=1e-3)
    assert grey[1] == pytest.approx(0.2, abs=1e-5)
    assert (sharp[2], grey[2]) == (2.0, 0.5)


def test_graph_distance_is_the_mahalanobis_distance(core: NetworkCore, pixels: Pixels) -> None:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(core.features, 3)))[0]
    statistics = OodStatistics(
        rng.normal(size=core.features).astype(np.float32),
        rng.uniform(0.5, 2, core.features).astype(np.float32),
        axes.astype(np.float32),
        np.array([3, 2, 1], np.float32),
        0.25,
    )
    model = assemble(export_network(core), core.network, fitted(statistics))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    distance = run(ort.InferenceSession(model.SerializeToString(), options), pixels)["distance"]

    square = torch.from_numpy(np.ascontiguousarray(crop_square(pixels).transpose(2, 0, 1)))[None].float()
    with torch.inference_mode():
        middle = core(resize(square, 96))[3][0].numpy()
    standard = (middle - statistics.mean) / statistics.std
    # The full covariance matrix of probabilistic PCA.
    covariance = 0.25 * (np.eye(core.features) - axes @ axes.T) + axes @ np.diag([9.0, 4.0, 1.0]) @ axes.T
    expected = np.sqrt(standard @ np.linalg.inv(covariance) @ standard / core.features)
    assert distance == pytest.approx(expected, rel=1e-3)


def test_model_file_has_the_documented_inputs_and_outputs(converted: Path) -> None:
    model = onnx.load(converted)
    onnx.checker.check_model(model, full_check=True)
    assert [value.name for value in model.graph.input] == ["image", "views", "image_type"]
    assert [value.name for value in model.graph.output] == [
        "probability",
        "logit",
        "classes",
        "evidence",
        "distance",
        "spread",
        "quality",
        "embedding",
        "clinical_probability",
        "used_type",
    ]
    assert Model(converted).card.input_size == 96
