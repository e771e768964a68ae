"""Metrics, thresholds and out-of-distribution statistics."""
