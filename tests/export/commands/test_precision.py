"""Lower precisions give smaller files and nearly the same logits, and the comparison rejects larger changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from lesion.inference.model import Model
from onnx import TensorProto, numpy_helper

from export.checkpoints.reader import read_checkpoint
from export.data.labels import LabelledImage
from export.evaluation.precision import compare_precisions, measure_precisions
from export.evaluation.predictions import Predictions, predict
from export.graph.assemble import NetworkCore, export_network, restore_float32_network
from export.graph.weight_storage import store_as_float16


def tensors(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


@pytest.fixture(scope="module")
def core(checkpoint: Path) -> onnx.ModelProto:
    return export_network(NetworkCore(read_checkpoint(checkpoint).network))


def test_store_as_float16_keeps_the_logits(
    converted: Path, core: onnx.ModelProto, rows: list[LabelledImage], tmp_path: Path
) -> None:
    model = restore_float32_network(onnx.load(converted), core)
    small = store_as_float16(model)
    path = tmp_path / "small.onnx"
    onnx.save(small, path)
    assert len(small.SerializeToString()) < 0.65 * len(model.SerializeToString())
    onnx.save(model, tmp_path / "full.onnx")
    full, half = (predict(Model(file), rows[:12]).scalar("logit") for file in (tmp_path / "full.onnx", path))
    assert 0 < np.abs(full - half).max() < 0.02
    again = restore_float32_network(small, core)
    assert [node.op_type for node in again.graph.node] == [node.op_type for node in model.graph.node]
    originals = tensors(model)
    assert all(np.array_equal(values, originals[name]) for name, values in tensors(again).items())
    assert any(values.dtype == np.float16 for values in tensors(small).values())


def test_store_as_float16_refuses_values_beyond_its_range(converted: Path, core: onnx.ModelProto) -> None:
    model = restore_float32_network(onnx.load(converted), core)
    [first, *_] = [
        tensor
        for tensor in model.graph.initializer
        if tensor.name.startswith("network/") and tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) > 2000
    ]
    first.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(first) + np.float32(1e6), first.name))
    with pytest.raises(OverflowError, match="beyond float16"):
        store_as_float16(model)


def test_measure_precisions_compares_size_time_and_logits(
    converted: Path, core: onnx.ModelProto, rows: list[LabelledImage]
) -> None:
    found = measure_precisions(converted, core, rows)
    assert list(found) == ["float32", "float16 in the file", "int8"]
    assert found["float32"]["passes"] and found["float32"]["flips"] == 0
    assert found["int8"]["bytes"] < found["float16 in the file"]["bytes"] < found["float32"]["bytes"]
    assert found["int8"]["largest_logit_difference"] > found["float16 in the file"]["largest_logit_difference"] > 0
    assert all(part["milliseconds"] > 0 for part in found.values())


def test_compare_precisions_fails_for_one_lost_malignant_image(converted: Path, rows: list[LabelledImage]) -> None:
    card, answers = Model(converted).card, predict(Model(converted), rows[:12])
    score = answers.scalar("probability")
    [malignant, *_] = np.flatnonzero(answers.malignant)
    point = replace(card.default_point, threshold=score[malignant] - 1e-9)
    card = replace(card, operating_points={"dermoscopic": {1: point, 8: point}})
    assert compare_precisions(answers, answers, card)["passes"]
    outputs = list(answers.outputs)
    outputs[malignant] = replace(outputs[malignant], probability=score[malignant] - 1e-6)
    found = compare_precisions(answers, Predictions(answers.rows, tuple(outputs)), card)
    assert (found["passes"], found["malignant_lost"], found["flips"]) == (False, 1, 1)
    # One of many is permitted.
    copies = 500 // int(answers.malignant.sum()) + 1
    many = Predictions(answers.rows * copies, answers.outputs * copies)
    lost = Predictions(many.rows, (*outputs, *answers.outputs * (copies - 1)))
    found = compare_precisions(many, lost, card)
    assert (found["passes"], found["malignant_lost"]) == (True, 1)
