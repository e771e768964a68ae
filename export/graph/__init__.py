"""The ONNX model file: serving graph, calibration, weight precision and metadata."""
