"""Durations of JPEG decoders: `python decoders.py FILE...` prints milliseconds as JSON, {file: {decoder: [...]}}."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import pyvips
import simplejpeg
from PIL import Image

TIMES = 30
AT_LEAST = 448
"""Smallest side in pixels of a reduced image, as in the service."""

cv2.setNumThreads(1)
pyvips.cache_set_max(0)


def pillow(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def pillow_reduced(data: bytes) -> Any:
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (AT_LEAST, AT_LEAST))
    return np.asarray(image.convert("RGB"))


def simplejpeg_reduced(data: bytes) -> Any:
    return simplejpeg.decode_jpeg(data, "RGB", min_height=AT_LEAST, min_width=AT_LEAST, min_factor=1)


def opencv(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def vips_reduced(data: bytes) -> Any:
    return pyvips.Image.thumbnail_buffer(data, AT_LEAST, height=AT_LEAST, size="down", crop="centre").numpy()


DECODERS: dict[str, Callable[[bytes], Any]] = {
    "Pillow": pillow,
    "Pillow, reduced": pillow_reduced,
    "simplejpeg, reduced": simplejpeg_reduced,
    "OpenCV": opencv,
    "libvips, reduced": vips_reduced,
}


def main(names: list[str]) -> None:
    """Every file to every decoder in turn."""
    found: dict[str, dict[str, list[float]]] = {name: {decoder: [] for decoder in DECODERS} for name in names}
    for turn in range(TIMES + 3):
        for name in names:
            data = Path(name).read_bytes()
            for decoder, decode in DECODERS.items():
                started = perf_counter()
                decode(data)
                if turn >= 3:
                    found[name][decoder].append(1000 * (perf_counter() - started))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
