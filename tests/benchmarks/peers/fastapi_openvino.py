"""FastAPI around OpenVINO with the model file's network: BENCH_PLAIN, see `tests.benchmarks.contenders`.

OpenVINO uses bfloat16 where the CPU supports it, unless BENCH_PRECISION is f32.
"""

import io
import os
from typing import Any

import numpy as np
import openvino
from fastapi import FastAPI, UploadFile
from PIL import Image

_settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
if precision := os.environ.get("BENCH_PRECISION"):
    _settings["INFERENCE_PRECISION_HINT"] = precision
_model = openvino.Core().compile_model(os.environ["BENCH_PLAIN"], "CPU", _settings)
_request = _model.create_infer_request()
_side = int(os.environ["BENCH_SIDE"])
app = FastAPI()


@app.post("/predict")
def predict(file: UploadFile) -> dict[str, Any]:
    image = Image.open(io.BytesIO(file.file.read())).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize((_side, _side), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    pixels = np.asarray(square, np.float32).transpose(2, 0, 1)
    return {"values": [value.tolist() for value in _request.infer([pixels[None]]).values()]}
