"""The page's measurements of a photo, js/photo/photo-quality.js, in node: without a browser, from images."""

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from PIL import Image

import infra
from tests.support.paths import REPOSITORY

assert infra
_MODULE = REPOSITORY / "infra" / "site" / "js" / "photo" / "photo-quality.js"
_RUN = """
const {{ measure, hintsOf, SIDE }} = await import({module!r});
const {{ readFileSync }} = await import("node:fs");
const bytes = readFileSync(0);
const size = 4 * SIDE * SIDE;
const read = [];
for (let at = 0; at < bytes.length; at += size) {{
    const data = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset + at, size);
    const quality = measure({{ data, width: SIDE, height: SIDE }});
    read.push({{ ...quality, hints: hintsOf(quality) }});
}}
process.stdout.write(JSON.stringify(read));
"""
SIDE = 256
"""Side in pixels of the images that the page measures, as in the module."""


def node(script: str, given: bytes = b"") -> Any:
    """Return the JSON that a module script writes.

    Args:
        script: JavaScript.
        given: its standard input.

    Raises:
        subprocess.CalledProcessError: the script failed.
    """
    command = [os.environ["JSII_NODE"], "--no-warnings", "--input-type=module", "--eval", script]
    return json.loads(subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout)


def qualities(images: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """Return the page's measurements of images, and the hints in `hints`.

    Args:
        images: squares of `SIDE`.
    """
    assert all(image.size == (SIDE, SIDE) for image in images)
    pixels = b"".join(image.convert("RGBA").tobytes() for image in images)
    found: list[dict[str, Any]] = node(_RUN.format(module=_MODULE.as_uri()), pixels)
    return found


def centre_square(image: Image.Image) -> Image.Image:
    """Return the centred square of an image as the page measures it, RGB of side `SIDE`."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
