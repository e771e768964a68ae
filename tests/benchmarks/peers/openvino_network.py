"""OpenVINO with the model file's network, without a server: reads images, writes mean evidence.

Reads float32 images (1, 3, S, S), one after the other, from standard input and writes the mean of each one's evidence as
float32. BENCH_PLAIN, BENCH_SIDE and BENCH_PRECISION as in `fastapi_openvino`.
"""

import os
import sys

import numpy as np
import openvino

_settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
if precision := os.environ.get("BENCH_PRECISION"):
    _settings["INFERENCE_PRECISION_HINT"] = precision
_request = openvino.Core().compile_model(os.environ["BENCH_PLAIN"], "CPU", _settings).create_infer_request()
_shape = (1, 3, int(os.environ["BENCH_SIDE"]), int(os.environ["BENCH_SIDE"]))

while data := sys.stdin.buffer.read(4 * int(np.prod(_shape))):
    cells = _request.infer([np.frombuffer(data, np.float32).reshape(_shape)])[0]
    sys.stdout.buffer.write(np.float32(cells.mean(dtype=np.float64)).tobytes())
    sys.stdout.buffer.flush()
