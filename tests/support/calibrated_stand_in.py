"""The stand-in model with a beta calibration in its graph, as converted files have it, and images with labels for it."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image

from tests.support.stand_in_model import BIAS, build

SLOPE, INTERCEPT = 3.0, 0.5
"""P(malignant) = sigmoid(SLOPE * logit + INTERCEPT) of the images; the model's own calibration is the sigmoid."""
_GAIN = 8.0


def build_calibrated(path: Path, *image_types: str) -> Path:
    """Write the model: of format 1, or of format 2 with image types. Its calibration is the identity."""
    metadata: dict[str, Any] = {"training": {"images": 0, "datasets": {}, "data_sha256": "none"}}
    if not image_types:
        metadata["calibration"] = {"method": "platt", "below": 1.0, "above": 1.0, "intercept": 0.0}
    model = onnx.load(build(path, gain=_GAIN, image_types=image_types, **metadata))
    nodes = list(model.graph.node)
    place = next(index for index, node in enumerate(nodes) if "probability" in node.output)
    rows = 4 if image_types else 1
    for name, value in (("below", 1.0), ("above", 1.0), ("intercept", 0.0)):
        values = np.full(rows, value, np.float32) if image_types else np.float32(value)
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    names = {name: f"own_{name}" if image_types else name for name in ("below", "above", "intercept")}
    gathers = [helper.make_node("Gather", [name, "setting"], [own], axis=0) for name, own in names.items() if image_types]
    calibration = [
        helper.make_node("Softplus", ["logit"], ["up"]),
        helper.make_node("Neg", ["logit"], ["minus"]),
        helper.make_node("Softplus", ["minus"], ["down"]),
        helper.make_node("Mul", ["up", names["above"]], ["rise"]),
        helper.make_node("Mul", ["down", names["below"]], ["fall"]),
        helper.make_node("Sub", ["rise", "fall"], ["bent"]),
        helper.make_node("Add", ["bent", names["intercept"]], ["shifted"]),
        helper.make_node("Sigmoid", ["shifted"], ["probability"]),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:place], *gathers, *calibration, *nodes[place + 1 :]])
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def write_labelled_images(folder: Path, count: int, *, seed: int = 1, image_type: str = "dermoscopic") -> Path:
    """Write images of one colour, whose red is the model's logit, with a table; return the folder.

    Rows are appended where the folder has a table already.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    is_new = not (folder / "metadata.csv").exists()
    with (folder / "metadata.csv").open("a", newline="") as lines:
        table = csv.writer(lines)
        if is_new:
            table.writerow(["isic_id", "benign_malignant", "dataset", "lesion_id", "image_type"])
        for number in range(count):
            red = int(rng.integers(0, 64))
            logit = _GAIN * red / 255 + BIAS
            malignant = rng.random() < 1 / (1 + np.exp(-(SLOPE * logit + INTERCEPT)))
            name = f"{image_type}-{seed}-{number}"
            Image.new("RGB", (40, 40), (red, 100, 20)).save(folder / f"{name}.png")
            # Pairs of images of one lesion are among them.
            lesion = f"{image_type}-{seed}-{number // 4 if number % 4 < 2 else -number}"
            side = "malignant" if malignant else "benign"
            table.writerow([name, side, "Clinic", lesion, image_type])
    return folder
