"""Readers and the writer of checkpoints: own, fastai, timm and torchvision ones, and released model files."""
