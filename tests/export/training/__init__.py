"""Training: selection, devices, and both image types."""
