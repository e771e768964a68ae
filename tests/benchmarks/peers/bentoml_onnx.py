"""BentoML around ONNX Runtime and the model file: `bentoml serve bentoml_onnx:Lesion`."""

import os
from typing import Any

import bentoml
import numpy as np
import onnxruntime
from PIL.Image import Image


@bentoml.service(workers=int(os.environ.get("BENCH_WORKERS", "1")))
class Lesion:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(os.environ["LESION_MODEL"], options)

    @bentoml.api
    def predict(self, file: Image) -> dict[str, Any]:
        pixels = np.asarray(file.convert("RGB"))
        names = ["probability", "classes", "evidence"]
        values = self.session.run(names, {"image": pixels[None]})
        return {name: value.tolist() for name, value in zip(names, values, strict=True)}
