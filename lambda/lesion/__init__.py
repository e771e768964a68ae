"""The skin-lesion classifier as a service. At the top: Lambda entry point, fast path, settings and errors."""

import os

__version__ = "2.0.0"
"""Version of the code. The model file and the HTTP contract have versions of their own (docs/architecture.md)."""

# ONNX Runtime reads this variable when it is first imported; without it, it sends telemetry and stores a device id on disk.
# Every module of this project that imports ONNX Runtime imports this package first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
