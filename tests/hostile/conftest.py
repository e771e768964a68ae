"""What the hostile tests share."""

from tests.lesion import test_handler

handler = test_handler.handler
"""The function's handler on the stand-in model."""
