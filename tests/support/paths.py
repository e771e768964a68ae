"""Where tests find real photographs."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "infra" / "site" / "samples"
"""The gallery's twelve CC0 photographs, JPEG, as they left the camera."""
TELEPHONE = REPOSITORY / "tests" / "photographs"
"""HEIC files, as telephones write them."""
