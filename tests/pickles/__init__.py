"""Pickles that the real fastai wrote, with what it predicted itself; `write_v1` and `write_v2` write them."""

from pathlib import Path

RECORDED = Path(__file__).parent / "recorded"
