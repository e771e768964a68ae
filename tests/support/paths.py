"""Paths of the repository and of real images."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "infra" / "site" / "samples"
"""The twelve CC0 sample images of the page, original JPEG files."""
PHONE_IMAGES = REPOSITORY / "tests" / "photographs"
"""HEIC files as phones write them."""
