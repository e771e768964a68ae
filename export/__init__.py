"""From training to ONNX, offline: train, convert, evaluate. May import torch; the function never imports this package."""
