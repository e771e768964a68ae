"""Int8 quantisation: similar outputs, exact evidence sums, and conversion back to float32."""

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
import torch
from lesion.imaging.decode import Pixels, decode
from lesion.inference.model import Model
from lesion.settings import Settings
from onnx import TensorProto, numpy_helper

from export.checkpoints.reader import read_checkpoint
from export.commands import convert
from export.data.labels import LabelledImage
from export.errors import QuantisationError
from export.evaluation.faithfulness import shuffle_weights
from export.evaluation.precision import compare_precisions
from export.evaluation.predictions import predict
from export.graph import quantize
from export.graph.assemble import NetworkCore, export_network, restore_float32_network
from export.graph.quantize import FLOAT_LAYERS, QUANTISED_SUFFIX, calibration_images, quantise_network
from export.graph.weight_storage import NETWORK_PREFIX
from export.nn.lesion_net import LesionNet
from tests.support.small_training import conversion_options

LAYERS = 5
CHAIN = """
<ir_version: 10, opset_import: ["" : 18]>
chain (uint8[1, H, W, 3] image, int64 views) => (float[1, 1, R, C] cells)
{
    pixels = Cast <to = 1> (image)
    x0 = Transpose <perm = [0, 3, 1, 2]> (pixels)
    $layers
    cells = Conv (x5, evidence)
}
"""


def clipped() -> onnx.ModelProto:
    """Return clipped (0..6) convolutions of four channels; one channel is far below 0, so the clip removes it."""
    rng = np.random.default_rng(3)
    layers = "\n".join(
        f"y{place} = Conv (x{place}, weight{place}, bias{place}) x{place + 1} = Clip (y{place}, low, high)"
        for place in range(LAYERS)
    )
    model = onnx.parser.parse_model(CHAIN.replace("$layers", layers))
    parameters = {"low": np.array(0.0), "high": np.array(6.0), "evidence": rng.normal(size=(1, 4, 1, 1))}
    for place in range(LAYERS):
        weight = rng.normal(size=(4, 4 if place else 3)) * (0.7 if place else 0.02)
        # Outputs near the middle of the clip for inputs in the middle of their range.
        bias = 3 - weight[:, :3] @ np.full(3, 3.0 if place else 127.5)
        bias[3] = -900
        parameters |= {f"weight{place}": weight[:, :, np.newaxis, np.newaxis], f"bias{place}": bias}
    tensors = (numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in parameters.items())
    model.graph.initializer.extend(tensors)
    for place, node in enumerate(model.graph.node):
        node.name = str(place)
    model = onnx.compose.add_prefix(model, NETWORK_PREFIX, rename_inputs=False, rename_outputs=False)
    # The default value of the optional input.
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.int64), "views"))
    return model


def cells(model: onnx.ModelProto, image: Pixels) -> npt.NDArray[np.float32]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    return np.asarray(session.run(["cells"], {"image": image[np.newaxis], "views": np.array(1)})[0])


def test_quantise_network_uses_the_range_of_the_clip(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """ONNX Runtime has no warning, above all none of the optional input."""
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (16, 16, 3), np.uint8) for _ in range(8)]
    model = clipped()
    small = quantise_network(model, images)
    expected = cells(model, images[0])
    # With the range from before the clip, one step would be 3.6, more than half of the clipped range.
    assert 0 < np.abs(cells(small, images[0]) - expected).max() < 0.05 * np.ptp(expected)
    stored = {tensor.name.removeprefix(NETWORK_PREFIX): tensor.data_type for tensor in small.graph.initializer}
    in_float = [f"weight{place}" in stored for place in range(LAYERS)]
    assert in_float == [True] * FLOAT_LAYERS + [False] * (LAYERS - FLOAT_LAYERS)
    assert stored["weight3_quantized"] == stored["weight4_quantized"] == TensorProto.INT8
    assert stored["evidence"] == TensorProto.FLOAT
    assert "appears in graph inputs" not in capfd.readouterr().err and not caplog.messages
    assert [value.name for value in small.graph.input] == ["image", "views"] and not small.metadata_props


@pytest.fixture(scope="module")
def core(checkpoint: Path) -> onnx.ModelProto:
    return export_network(NetworkCore(read_checkpoint(checkpoint).network))


@pytest.fixture(scope="module")
def small(
    converted: Path, core: onnx.ModelProto, rows: list[LabelledImage], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small network's model file in int8."""
    images = calibration_images([row for row in rows if row.split == "train"], 96)
    path = tmp_path_factory.mktemp("int8") / "lesion.onnx"
    onnx.save(quantise_network(restore_float32_network(onnx.load(converted), core), images), path)
    return path


def test_quantise_network_preserves_logits_and_evidence_sum(small: Path, converted: Path, rows: list[LabelledImage]) -> None:
    before, after = (predict(Model(path), rows[:12]) for path in (converted, small))
    gaps = np.abs(before.scalar("logit") - after.scalar("logit"))
    assert 0 < gaps.max() < 0.5 * np.ptp(before.scalar("logit"))
    for output in after.outputs:
        assert float(output.evidence.mean()) + output.bias == pytest.approx(output.logit, abs=1e-5)


def embeddings(path: Path, rows: list[LabelledImage]) -> npt.NDArray[np.float32]:
    """Return the pooled features (N, F) of images."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = ({"image": decode(row.path.read_bytes()).pixels[np.newaxis]} for row in rows)
    return np.stack([session.run(["embedding"], image)[0] for image in images])


@pytest.mark.slow
def test_quantise_network_with_gptq_beats_rounding(
    small: Path,
    converted: Path,
    core: onnx.ModelProto,
    rows: list[LabelledImage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quantize, "apply_gptq", lambda *_: None)
    nearest, full = tmp_path / "nearest.onnx", restore_float32_network(onnx.load(converted), core)
    onnx.save(quantise_network(full, calibration_images([row for row in rows if row.split == "train"], 96)), nearest)
    # Compared on the embedding, whose many values average out the noise of a single logit.
    original, *others = (embeddings(path, rows) for path in (converted, small, nearest))
    gptq, rounded = (float(np.sqrt(np.mean((other - original) ** 2))) for other in others)
    assert gptq < 0.8 * rounded


def test_quantise_network_weights_avoid_16_bit_overflow(small: Path) -> None:
    for path in (small, Settings.model):
        stored = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
        weights = [
            numpy_helper.to_array(tensor) for tensor in stored.values() if tensor.name.endswith(f"weight{QUANTISED_SUFFIX}")
        ]
        assert len(weights) > 10
        assert 2 * 255 * max(int(np.abs(weight.astype(int)).max()) for weight in weights) < 2**15


def test_quantise_network_preserves_metadata(small: Path, converted: Path) -> None:
    assert Model(small).card == Model(converted).card
    assert onnx.load(small).producer_name == onnx.load(converted).producer_name


def test_restore_float32_network_reverts_quantisation(small: Path, converted: Path, core: onnx.ModelProto) -> None:
    original, again = (restore_float32_network(onnx.load(path), core) for path in (converted, small))
    assert again.graph == original.graph


def test_read_checkpoint_dequantises_a_model_file(small: Path, checkpoint: Path) -> None:
    released, own = (read_checkpoint(path).network for path in (small, checkpoint))
    assert isinstance(released, LesionNet) and isinstance(own, LesionNet)
    torch.testing.assert_close(released.malignant.weight, own.malignant.weight)
    noise = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1)) * 255
    images = NetworkCore(own).normalise(noise)
    with torch.inference_mode():
        torch.testing.assert_close(released(images)[0], own(images)[0], rtol=0, atol=0.1)


def test_shuffle_weights_shuffles_int8_weights(small: Path, rows: list[LabelledImage]) -> None:
    pixels = decode(rows[0].path.read_bytes()).pixels
    shuffled = shuffle_weights(small)
    assert shuffled.run(pixels).logit != Model(small).run(pixels).logit


@pytest.mark.slow
def test_convert_selects_the_first_precision_that_passes(
    checkpoint: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def options(folder: str) -> argparse.Namespace:
        return conversion_options(checkpoint, archive, tmp_path / folder / "lesion.onnx", numbers="int8")

    verdicts = iter([True, False, True])
    monkeypatch.setattr(
        convert, "compare_precisions", lambda *given: {**compare_precisions(*given), "passes": next(verdicts)}
    )
    convert.main(options("first"))
    convert.main(options("second"))
    selected = [Model(tmp_path / folder / "lesion.onnx").card.about["numbers"] for folder in ("first", "second")]
    assert selected == ["int8", "float16"]
    parity = json.loads((tmp_path / "first" / "metrics.json").read_text())["parity"]
    assert parity["max_logit_difference"] < 1e-4, "PyTorch is compared with float32"
    assert "int8: " in capsys.readouterr().out


def test_quantisation_that_is_not_possible_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = clipped(), [np.zeros((16, 16, 3), np.uint8)]
    with pytest.raises(QuantisationError, match="takes more than 0 s"):
        quantise_network(model, images, seconds=0)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("unsupported operator\nwith details")

    monkeypatch.setattr(quantize, "quantize_static", fail)
    with pytest.raises(QuantisationError, match=r"^RuntimeError: unsupported operator$"):
        quantise_network(model, images)
    for node in model.graph.node:
        if node.op_type == "Conv":
            node.op_type = "ConvInteger"
    with pytest.raises(QuantisationError, match="no convolutions beyond the first ones"):
        quantise_network(model, images)


@pytest.mark.slow
def test_convert_uses_float16_where_int8_takes_too_long(
    checkpoint: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = conversion_options(checkpoint, archive, tmp_path / "m" / "lesion.onnx", numbers="int8", int8_seconds=0.0)
    convert.main(options)
    assert Model(tmp_path / "m" / "lesion.onnx").card.about["numbers"] == "float16"
    assert "int8 is not possible: it takes more than 0 s (--int8-seconds). The next precision" in capsys.readouterr().out
