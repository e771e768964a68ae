"""The skin-lesion classifier as a service: photograph in, honest answer out."""

import os

# ONNX Runtime reads this when it is first imported, and otherwise reports to its makers and leaves a device id on disk.
# Whatever imports it in this project imports something of this package before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
