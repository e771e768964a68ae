"""The graph detects the image type and applies the parameters of type and number of views, as numpy computes them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from lesion.imaging.decode import Pixels, decode
from lesion.inference.card import IMAGE_TYPES, VIEWS, ImageType

from export.arrays import Array, Floats
from export.checkpoints.reader import read_checkpoint
from export.data.transforms import crop_square, resize
from export.evaluation.ood import ood_distances
from export.graph.assemble import NetworkCore, assemble, export_network
from export.graph.calibration import Calibration
from export.graph.parameters import GraphParameters, ImageTypeDetector, OodStatistics
from tests.support.paths import SAMPLES

CALIBRATIONS: dict[ImageType, dict[int, Calibration]] = {
    "dermoscopic": {1: Calibration("beta", 0.7, 1.6, -0.4), 8: Calibration("platt", 2.0, 2.0, 0.5)},
    "clinical": {1: Calibration("beta", 1.2, 0.0, 0.9), 8: Calibration("beta", 0.3, 2.5, -1.5)},
}


@pytest.fixture(scope="module")
def core(checkpoint: Path) -> NetworkCore:
    return NetworkCore(read_checkpoint(checkpoint).network).eval()


@pytest.fixture(scope="module")
def exported(core: NetworkCore) -> onnx.ModelProto:
    return export_network(core)


@pytest.fixture(scope="module")
def pixels() -> list[Pixels]:
    names = ("ISIC_0000026", "ISIC_0010021", "ISIC_0010036", "ISIC_0001102")
    return [decode((SAMPLES / f"{name}.jpg").read_bytes(), at_least=200).pixels for name in names]


def statistics(features: int, components: int, seed: int) -> OodStatistics:
    rng = np.random.default_rng(seed)
    return OodStatistics(
        rng.normal(size=features).astype(np.float32),
        rng.uniform(0.5, 2, features).astype(np.float32),
        np.linalg.qr(rng.normal(size=(features, components)))[0].astype(np.float32),
        rng.uniform(1, 3, components).astype(np.float32),
        0.25 * seed,
    )


@torch.inference_mode()
def embedding_size(core: NetworkCore) -> int:
    side = core.network.spec.size
    return int(core(torch.zeros(1, 3, side, side))[2].shape[1])


def detector(features: int, bias: float = 0.0) -> ImageTypeDetector:
    rng = np.random.default_rng(7)
    mean, std = (part.astype(np.float32) for part in (rng.normal(size=features), rng.uniform(0.5, 2, features)))
    return ImageTypeDetector(mean, std, (rng.normal(size=features) / features).astype(np.float32), bias)


@pytest.fixture(scope="module")
def fitted(core: NetworkCore) -> GraphParameters:
    """Different parameters in every row; the types have other numbers of components."""
    features = core.features
    both: dict[ImageType, OodStatistics] = {
        "dermoscopic": statistics(features, 3, 1),
        "clinical": statistics(features, 5, 2),
    }
    return GraphParameters(both, CALIBRATIONS, detector(features + embedding_size(core)))


def open_session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def session(core: NetworkCore, exported: onnx.ModelProto, fitted: GraphParameters) -> ort.InferenceSession:
    return open_session(assemble(exported, core.network, fitted))


def run(session: ort.InferenceSession, pixels: Pixels, **feed: int) -> dict[str, np.ndarray]:
    names = [output.name for output in session.get_outputs()]
    inputs = {"image": np.ascontiguousarray(pixels)[np.newaxis], **{name: np.array(value) for name, value in feed.items()}}
    return dict(zip(names, session.run(names, inputs), strict=True))


@torch.inference_mode()
def type_features(core: NetworkCore, pixels: Pixels, views: int) -> Array:
    """Return the middle features and the embedding of each view that PyTorch computes, (V, T)."""
    square = torch.from_numpy(np.ascontiguousarray(crop_square(pixels).transpose(2, 0, 1)))[None].float()
    margin = square.shape[-1] // 10
    scales = [square, square[:, :, margin:-margin, margin:-margin]]
    upright, closer = (resize(scale, core.network.spec.size) for scale in scales)
    turned = [image.rot90(turns, (2, 3)) for image in (upright, closer) for turns in range(4)]
    outputs = core(torch.cat(turned if views > 1 else [upright]))
    return np.asarray(torch.cat((outputs[3], outputs[2]), 1).numpy(), np.float64)


def middle_features(core: NetworkCore, pixels: Pixels, views: int) -> Array:
    """Return the middle features of each view that PyTorch computes, (V, M)."""
    return type_features(core, pixels, views)[:, : core.features]


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("image_type", IMAGE_TYPES)
def test_graph_applies_the_parameters_of_each_setting(
    session: ort.InferenceSession,
    core: NetworkCore,
    fitted: GraphParameters,
    pixels: list[Pixels],
    image_type: ImageType,
    views: int,
) -> None:
    for image in pixels:
        outputs = run(session, image, views=views, image_type=1 + IMAGE_TYPES.index(image_type))
        logit = np.array([float(outputs["logit"])])
        assert outputs["used_type"] == 1 + IMAGE_TYPES.index(image_type)
        assert outputs["probability"] == pytest.approx(CALIBRATIONS[image_type][views].apply(logit)[0], abs=2e-6)
        expected = ood_distances(fitted.statistics[image_type], middle_features(core, image, views)[np.newaxis])
        assert outputs["distance"] == pytest.approx(expected[0], rel=1e-3)
        assert outputs["classes"].sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("slopes", [(0.7, 1.6, -0.4), (2.0, 2.0, 0.5), (0.0, 0.0, 0.3)])
def test_graph_calibration_matches_numpy_for_any_logit(
    core: NetworkCore, exported: onnx.ModelProto, fitted: GraphParameters, slopes: tuple[float, float, float]
) -> None:
    """Of the nodes from the logit to the probability alone."""
    curve = Calibration("beta", *slopes)
    rows = {**CALIBRATIONS, "clinical": {1: CALIBRATIONS["clinical"][1], 8: curve}}
    model = onnx.shape_inference.infer_shapes(assemble(exported, core.network, replace(fitted, calibrations=rows)))
    part = open_session(onnx.utils.Extractor(model).extract_model(["logit", "setting"], ["probability"]))
    logits = np.linspace(-60, 60, 241).astype(np.float32)
    values = np.array([part.run(None, {"logit": np.array(logit), "setting": np.array(3)})[0] for logit in logits])
    assert values == pytest.approx(curve.apply(logits.astype(np.float64)), abs=2e-6)
    # Close to 1, float32 rounds.
    assert (np.diff(values) >= -1e-6).all() and np.isfinite(values).all()


@pytest.mark.parametrize("views", VIEWS)
def test_graph_detects_the_type_by_default(
    session: ort.InferenceSession, core: NetworkCore, fitted: GraphParameters, pixels: list[Pixels], views: int
) -> None:
    assert fitted.detector is not None
    for image in pixels:
        outputs = run(session, image, views=views)
        mean = type_features(core, image, views).mean(0)
        score = (mean - fitted.detector.mean) / fitted.detector.std @ fitted.detector.weights + fitted.detector.bias
        assert outputs["clinical_probability"] == pytest.approx(1 / (1 + np.exp(-score)), abs=1e-4)
        assert outputs["used_type"] == (2 if outputs["clinical_probability"] >= 0.5 else 1)
        same = run(session, image, views=views, image_type=int(outputs["used_type"]))
        assert all(np.array_equal(outputs[name], same[name]) for name in outputs)


@pytest.mark.parametrize("bias", [-50.0, 50.0])
def test_graph_given_type_overrides_detection(
    core: NetworkCore, exported: onnx.ModelProto, fitted: GraphParameters, pixels: list[Pixels], bias: float
) -> None:
    certain = replace(fitted, detector=detector(core.features + embedding_size(core), bias))
    session = open_session(assemble(exported, core.network, certain))
    detected = run(session, pixels[0])
    assert detected["used_type"] == (2 if bias > 0 else 1)
    other = 3 - int(detected["used_type"])
    given = run(session, pixels[0], image_type=other)
    assert given["used_type"] == other
    assert given["clinical_probability"] == detected["clinical_probability"]
    assert given["probability"] != detected["probability"] and given["distance"] != detected["distance"]
    assert given["logit"] == detected["logit"]


@pytest.mark.parametrize("image_type", IMAGE_TYPES)
def test_graph_of_a_single_type_detects_nothing(
    core: NetworkCore, exported: onnx.ModelProto, pixels: list[Pixels], image_type: ImageType
) -> None:
    single = GraphParameters({image_type: statistics(core.features, 4, 1)}, {image_type: CALIBRATIONS[image_type]}, None)
    session = open_session(assemble(exported, core.network, single))
    for image in pixels:
        outputs = run(session, image)
        assert outputs["clinical_probability"] == (image_type == "clinical")
        assert outputs["used_type"] == 1 + IMAGE_TYPES.index(image_type)


def test_padded_statistics_have_the_same_distances() -> None:
    few, features = statistics(40, 3, 1), np.random.default_rng(0).normal(size=(20, 40))
    assert few.padded(9).components.shape == (40, 9)
    assert ood_distances(few.padded(9), features) == pytest.approx(ood_distances(few, features))
    assert few.padded(2) is few


def test_distance_of_several_views_is_their_root_mean_square(pixels: list[Pixels]) -> None:
    """The mean of the features hides what is unusual in single views."""
    rng, few = np.random.default_rng(0), statistics(40, 3, 1)
    views: Floats = (few.mean + few.std * rng.normal(size=(5, 8, 40)) * 4).astype(np.float32)
    together = ood_distances(few, views.astype(np.float64))
    each = np.stack([ood_distances(few, views[:, place].astype(np.float64)) for place in range(8)], 1)
    assert together == pytest.approx(np.sqrt((each**2).mean(1)))
    assert (ood_distances(few, views.mean(1).astype(np.float64)) < 0.6 * together).all()
