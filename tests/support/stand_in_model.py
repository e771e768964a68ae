"""A small ONNX file with the contract's inputs, outputs and metadata, for tests that do not need a real model.

Its evidence is the red channel, resized to 4 x 4 and shifted, so that every number of an answer can be worked out by hand.
The file is of format 1, or of format 2 with `image_types`; then the mean of blue is the probability of a clinical image.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT_SIZE = 32
BIAS = -1.0
SHARES = (0.75, 0.25, 1.0)
"""Shares of the two malignant classes in P(malignant), and of the benign class in the rest."""

METADATA: Mapping[str, Any] = {
    "lesion_format": 1,
    "version": "stand-in",
    "architecture": "red",
    "input_size": INPUT_SIZE,
    "classes": [
        {"code": "melanoma", "name": "Melanoma", "malignant": True},
        {"code": "basal_cell_carcinoma", "name": "Basal cell carcinoma", "malignant": True},
        {"code": "nevus", "name": "Nevus", "malignant": False},
    ],
    "bias": BIAS,
    "threshold": 0.5,
    "prediction_sets": {"coverage": 0.9, "malignant": 0.4, "benign": 0.4},
    "refusal": [
        {"code": "too_small", "measure": "size", "below": 0.5},
        {"code": "too_dark", "measure": "brightness", "below": 0.05},
        {"code": "too_blurry", "measure": "sharpness", "below": 0.0},
        {"code": "not_a_lesion", "measure": "distance", "above": 0.9},
        {"code": "unstable", "measure": "spread", "above": 5.0},
    ],
    "training": {"images": 0},
    "metrics": {"auc": {"value": 0.5, "low": 0.4, "high": 0.6}},
    "licence": "MIT",
    "intended_use": "Tests.",
    "limits_of_use": ["It only sees red."],
}

SHIFTS = (0.0, 0.1, -0.2, -0.3)
"""Calibration of format 2, added to the logit: dermoscopic with 1 and 8 views, clinical with 1 and 8 views."""
_THRESHOLDS = {"dermoscopic": {"1": 0.5, "8": 0.45}, "clinical": {"1": 0.3, "8": 0.25}}


def operating_points(*image_types: str) -> dict[str, Any]:
    """Return metadata of format 2: each point has its own threshold and limits."""
    return {
        image_type: {
            views: {
                "calibration": {"method": "shift"},
                "threshold": threshold,
                "prediction_sets": {
                    "coverage": {"malignant": 0.95, "benign": 0.9},
                    "malignant": round(threshold - 0.1, 2),
                    "benign": 0.4,
                },
                # Clinical images may be darker than dermoscopic ones.
                "refusal": [
                    {**rule, "below": 0.01} if (image_type, rule["measure"]) == ("clinical", "brightness") else rule
                    for rule in METADATA["refusal"]
                ],
            }
            for views, threshold in _THRESHOLDS[image_type].items()
        }
        for image_type in image_types
    }


_FORMAT_1_ONLY = ("threshold", "prediction_sets", "refusal")
_TYPE_NODES: tuple[tuple[str, list[str], list[str], dict[str, Any]], ...] = (
    ("Mul", ["blue", "type_slope"], ["type_slope_blue"], {}),
    ("Add", ["type_slope_blue", "type_shift"], ["clinical_probability"], {}),
    ("GreaterOrEqual", ["clinical_probability", "half"], ["is_clinical"], {}),
    ("Where", ["is_clinical", "two", "one"], ["detected_type"], {}),
    ("Equal", ["image_type", "zero"], ["is_unknown"], {}),
    ("Where", ["is_unknown", "detected_type", "image_type"], ["used_type"], {}),
    ("Sub", ["used_type", "one"], ["type_index"], {}),
    ("Mul", ["type_index", "two"], ["first_setting"], {}),
    ("Greater", ["views", "one"], ["several"], {}),
    ("Cast", ["several"], ["further"], {"to": TensorProto.INT64}),
    ("Add", ["first_setting", "further"], ["setting"], {}),
    ("Gather", ["shifts", "setting"], ["shift"], {"axis": 0}),
    ("Add", ["logit", "shift"], ["calibrated"], {}),
    ("Sigmoid", ["calibrated"], ["probability"], {}),
)

_SIGMOID: tuple[str, list[str], list[str], dict[str, Any]] = ("Sigmoid", ["logit"], ["probability"], {})
_GRAPH: tuple[tuple[str, list[str], list[str], dict[str, Any]], ...] = (
    ("Cast", ["image"], ["cast"], {"to": TensorProto.FLOAT}),
    ("Mul", ["cast", "scale"], ["unit"], {}),
    ("Transpose", ["unit"], ["planes"], {"perm": [0, 3, 1, 2]}),
    ("Resize", ["planes", "", "", "grid"], ["small"], {"mode": "linear", "antialias": 1}),
    ("ReduceMean", ["small", "plane_axes"], ["means"], {"keepdims": 0}),
    ("Gather", ["means", "zero"], ["red"], {"axis": 0}),
    ("Gather", ["means", "one"], ["green"], {"axis": 0}),
    ("Gather", ["means", "two"], ["blue"], {"axis": 0}),
    ("Slice", ["small", "zeros", "ones", "channel_axis"], ["red_map"], {}),
    ("Squeeze", ["red_map", "front_axes"], ["red_grid"], {}),
    ("Mul", ["red_grid", "gain"], ["evidence"], {}),
    ("ReduceMean", ["evidence"], ["strength"], {"keepdims": 0}),
    ("Add", ["strength", "bias"], ["logit"], {}),
    _SIGMOID,
    ("Sub", ["unit_one", "probability"], ["remainder"], {}),
    ("Mul", ["probability", "malignant_shares"], ["malignant_classes"], {}),
    ("Mul", ["remainder", "benign_shares"], ["benign_classes"], {}),
    ("Add", ["malignant_classes", "benign_classes"], ["classes"], {}),
    ("Identity", ["green"], ["distance"], {}),
    ("Cast", ["views"], ["turns"], {"to": TensorProto.FLOAT}),
    ("Sub", ["turns", "unit_one"], ["more"], {}),
    ("Mul", ["more", "blue"], ["spread"], {}),
    ("ReduceMax", ["small"], ["brightest"], {"keepdims": 0}),
    ("ReduceMin", ["small"], ["darkest"], {"keepdims": 0}),
    ("Sub", ["brightest", "darkest"], ["contrast"], {}),
    ("Unsqueeze", ["contrast", "zeros"], ["sharpness"], {}),
    ("ReduceMean", ["means", "zeros"], ["brightness"], {"keepdims": 1}),
    ("Shape", ["image"], ["shape"], {"start": 1, "end": 3}),
    ("Cast", ["shape"], ["lengths"], {"to": TensorProto.FLOAT}),
    ("ReduceMin", ["lengths"], ["side"], {"keepdims": 1}),
    ("Mul", ["side", "per_side"], ["size"], {}),
    ("Concat", ["sharpness", "brightness", "size"], ["quality"], {"axis": 0}),
    ("Identity", ["means"], ["embedding"], {}),
)
_OUTPUTS: Mapping[str, list[int]] = {
    "probability": [],
    "logit": [],
    "classes": [3],
    "evidence": [4, 4],
    "distance": [],
    "spread": [],
    "quality": [3],
    "embedding": [3],
}


def build(
    path: Path,
    *,
    without: Collection[str] = (),
    gain: float = 8.0,
    image_types: Collection[str] = (),
    **metadata: Any,
) -> Path:
    """Write the model to `path` and return it.

    Args:
        without: names of outputs or metadata to leave out.
        gain: of the evidence; infinity makes a model whose answers are no numbers.
        image_types: those of a file of format 2; none makes one of format 1.
        metadata: what to put in place of `METADATA`.
    """
    constants = {
        "scale": np.float32(1 / 255),
        "grid": np.array([1, 3, 4, 4], np.int64),
        "plane_axes": np.array([0, 2, 3], np.int64),
        "front_axes": np.array([0, 1], np.int64),
        "channel_axis": np.array([1], np.int64),
        "zeros": np.array([0], np.int64),
        "ones": np.array([1], np.int64),
        "zero": np.int64(0),
        "one": np.int64(1),
        "two": np.int64(2),
        "unit_one": np.float32(1),
        "gain": np.float32(gain),
        "bias": np.float32(BIAS),
        "malignant_shares": np.array([*SHARES[:2], 0], np.float32),
        "benign_shares": np.array([0, 0, SHARES[2]], np.float32),
        "per_side": np.float32(1 / INPUT_SIZE),
        "views": np.int64(1),
    }
    nodes, inputs, outputs = [*_GRAPH], ["views"], {name: (TensorProto.FLOAT, shape) for name, shape in _OUTPUTS.items()}
    given = dict(METADATA)
    if image_types:
        is_single = len(image_types) == 1
        constants |= {
            "image_type": np.int64(0),
            "half": np.float32(0.5),
            "type_slope": np.float32(0 if is_single else 1),
            "type_shift": np.float32(is_single and "clinical" in image_types),
            "shifts": np.array(SHIFTS, np.float32),
        }
        place = nodes.index(_SIGMOID)
        nodes[place : place + 1] = _TYPE_NODES
        inputs.append("image_type")
        outputs |= {"clinical_probability": (TensorProto.FLOAT, []), "used_type": (TensorProto.INT64, [])}
        given = {name: value for name, value in given.items() if name not in _FORMAT_1_ONLY}
        given |= {"lesion_format": 2, "operating_points": operating_points(*image_types)}
        given |= {"image_type_detection": None if is_single else {"accuracy": {"value": 0.9, "low": 0.8, "high": 1.0}}}
    graph = helper.make_graph(
        [helper.make_node(kind, sources, targets, **options) for kind, sources, targets, options in nodes],
        "stand_in",
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3]),
            *(helper.make_tensor_value_info(name, TensorProto.INT64, []) for name in inputs),
        ],
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items() if name not in without],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    entries = {name: value for name, value in {**given, **metadata}.items() if name not in without}
    helper.set_model_props(model, {name: json.dumps(value) for name, value in entries.items()})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
