"""Serving graph, precision and calibration."""
