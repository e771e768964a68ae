"""Measurements and fits on the outputs of a model file: metrics, operating point, OOD detection, robustness."""
