"""From pixels to the answer: the ONNX model, the decision at its thresholds, and the schemas of the API's answers."""
