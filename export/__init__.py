"""From training to ONNX, offline. May import torch; the function never imports this package."""
