"""Lower bound of a cold start: a minimal handler around the same model. Runs in the image as `bare.handler`.

It has one route, no validation, and returns the outputs of the graph.
"""

import base64
import io
import json
import os
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

_options = ort.SessionOptions()
_options.intra_op_num_threads = max(1, int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) // 1769)
_options.log_severity_level = 3
_session = ort.InferenceSession(os.environ["LESION_MODEL"], _options, providers=["CPUExecutionProvider"])
_NAMES = ["probability", "logit", "classes", "evidence", "distance", "spread", "quality"]
_SIDE = 448
"""Twice the network's, to which JPEGs may be reduced while they are decoded, as `lesion.imaging.decode` does."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    with Image.open(io.BytesIO(base64.b64decode(event["body"]))) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        pixels = np.asarray(image.convert("RGB"))
    values = _session.run(_NAMES, {"image": pixels[np.newaxis]})
    body = json.dumps({name: value.tolist() for name, value in zip(_NAMES, values, strict=True)})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body, "isBase64Encoded": False}
