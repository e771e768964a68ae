"""LitServe around ONNX Runtime and the model file: `python litserve_onnx.py PORT WORKERS`."""

import io
import os
import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime
from fastapi import UploadFile
from PIL import Image


class Lesion(litserve.LitAPI):
    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(os.environ["LESION_MODEL"], options)

    def decode_request(self, request: UploadFile) -> Any:
        return np.asarray(Image.open(io.BytesIO(request.file.read())).convert("RGB"))

    def predict(self, pixels: Any) -> Any:
        return self.session.run(["probability", "classes", "evidence"], {"image": pixels[None]})

    def encode_response(self, values: Any) -> dict[str, Any]:
        return {name: value.tolist() for name, value in zip(("probability", "classes", "evidence"), values, strict=True)}


if __name__ == "__main__":
    server = litserve.LitServer(Lesion(), accelerator="cpu", workers_per_device=int(sys.argv[2]))
    server.run(port=int(sys.argv[1]), host="127.0.0.1", log_level="warning", generate_client_file=False)
