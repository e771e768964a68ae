"""Corruptions that change an image and not its lesion; `export.commands.robustness` measures their effect on a model.

Training draws hairs, rulers and ink with the same functions in other widths and shades (`export.data.augment.occlude`).
Every function of the type `Corruption` takes and returns uint8 pixels (H, W, 3); `rng` draws what differs between images.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO

import numpy as np
from lesion.imaging.decode import Pixels
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

Corruption = Callable[[Pixels, np.random.Generator], Pixels]

PAGE_SIDE, PAGE_QUALITY = 1600, 92
"""Longer side in pixels and JPEG quality to which the page reduces large files."""

CAMERA_SIDE, CAMERA_QUALITY = 3200, 95
"""Longer side in pixels and JPEG quality of a file that the page reduces."""


def compress_jpeg(pixels: Pixels, rng: np.random.Generator, *, quality: int, subsampling: int = 2) -> Pixels:
    """Encode as JPEG and decode; `subsampling` 2 is 4:2:0, 0 is 4:4:4."""
    return np.asarray(Image.open(BytesIO(_encode_jpeg(Image.fromarray(pixels), quality, subsampling))).convert("RGB"))


def encode_camera_photo(pixels: Pixels) -> bytes:
    """Return a large JPEG file of pixels (H, W, 3), enlarged to `CAMERA_SIDE`: most data sets have no large files."""
    return _encode_jpeg(_resize(Image.fromarray(pixels), CAMERA_SIDE), CAMERA_QUALITY)


def reencode_as_page(file: bytes) -> bytes:
    """Return the JPEG file that the page sends in place of a larger one."""
    return _encode_jpeg(_resize(Image.open(BytesIO(file)), PAGE_SIDE), PAGE_QUALITY)


def _resize(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    size = round(image.width * scale), round(image.height * scale)
    # Browsers average where they reduce (imageSmoothingQuality "high").
    return image.resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.HAMMING)


def _encode_jpeg(image: Image.Image, quality: int, subsampling: int = 2) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def rotate(pixels: Pixels, rng: np.random.Generator, *, degrees: float) -> Pixels:
    """Rotate about the centre; the image is mirrored beyond its border."""
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((height // 2,) * 2, (width // 2,) * 2, (0, 0)), mode="reflect")
    turned = np.asarray(Image.fromarray(padded).rotate(degrees, Image.Resampling.BICUBIC))
    return turned[height // 2 : height // 2 + height, width // 2 : width // 2 + width]


def crop(pixels: Pixels, rng: np.random.Generator, *, side: float) -> Pixels:
    """Keep the centre, `side` (0 to 1) of the width and height."""
    height, width = pixels.shape[:2]
    rows, columns = round(height * side), round(width * side)
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]


def rescale(pixels: Pixels, rng: np.random.Generator, *, side: int) -> Pixels:
    """Scale down to `side` pixels on the shorter side, and up again."""
    image = Image.fromarray(pixels)
    scale = side / min(image.size)
    small = image.resize((max(round(image.width * scale), 1), max(round(image.height * scale), 1)), Image.Resampling.BICUBIC)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC))


def blur(pixels: Pixels, rng: np.random.Generator, *, share: float) -> Pixels:
    """Apply a Gaussian blur whose sigma is `share` of the shorter side."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(share * min(pixels.shape[:2]))))


def sharpen(pixels: Pixels, rng: np.random.Generator, *, percent: int) -> Pixels:
    """Apply an unsharp mask of radius 2, as phones and image software do."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.UnsharpMask(2, percent, 0)))


def brighten(pixels: Pixels, rng: np.random.Generator, *, factor: float) -> Pixels:
    """Multiply the brightness by `factor`."""
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor))


def tint(pixels: Pixels, rng: np.random.Generator, *, red: float, blue: float) -> Pixels:
    """Scale the red and the blue channel, as another illuminant or white balance does."""
    tinted: Pixels = (pixels * np.array([red, 1.0, blue])).clip(0, 255).astype(np.uint8)
    return tinted


def draw_hairs(
    pixels: Pixels,
    rng: np.random.Generator,
    *,
    hairs: int,
    thickness: float = 0.008,
    shades: tuple[int, int] = (15, 70),
) -> Pixels:
    """Draw curved hairs across the image.

    Args:
        pixels: uint8 (H, W, 3).
        rng: source of every random draw.
        hairs: their number.
        thickness: share of the shorter side.
        shades: range of their red value, 0..255.
    """
    image, draw, side = _canvas(pixels)
    for _ in range(hairs):
        start, bend, end = (rng.uniform(-0.2, 1.2, 2) * (image.width, image.height) for _ in range(3))
        along = np.linspace(0, 1, 24)[:, np.newaxis]
        curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end  # a quadratic Bézier curve
        shade = int(rng.integers(*shades))
        draw.line(
            [(float(x), float(y)) for x, y in curve], fill=(shade, shade * 3 // 4, shade // 2), width=_width(side, thickness)
        )
    return np.asarray(image)


def draw_ruler(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw a ruler with ticks along one side."""
    turns = int(rng.integers(4))
    image, draw, side = _canvas(np.rot90(pixels, turns))
    base = image.height - 0.04 * side
    for tick, x in enumerate(np.arange(0.02 * side, image.width, 0.035 * side)):
        length = side * (0.07 if tick % 10 == 0 else 0.05 if tick % 5 == 0 else 0.03)
        draw.line([(float(x), base), (float(x), base - length)], fill=(20, 20, 20), width=_width(side, 0.006))
    return np.ascontiguousarray(np.rot90(np.asarray(image), -turns))


def draw_ink(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw two strokes of a surgical marker beside the lesion."""
    image, draw, side = _canvas(pixels)
    for _ in range(2):
        angle = rng.uniform(0, 2 * np.pi)
        middle = np.array([image.width, image.height]) / 2 + 0.42 * side * np.array([np.cos(angle), np.sin(angle)])
        away = 0.15 * side * np.array([np.sin(angle), -np.cos(angle)]) * rng.uniform(0.6, 1.2)
        ends = [tuple(map(float, middle + away)), tuple(map(float, middle - away))]
        draw.line(ends, fill=(85, 40, 150), width=_width(side, 0.03))
    # The ink is translucent.
    return (0.75 * np.asarray(image) + 0.25 * pixels).astype(np.uint8)


def _canvas(pixels: Pixels) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return image, ImageDraw.Draw(image), min(image.size)


def _width(side: int, share: float) -> int:
    return max(round(side * share), 1)


CORRUPTIONS: dict[str, dict[str, Corruption]] = {
    "JPEG quality": {
        **{str(quality): partial(compress_jpeg, quality=quality) for quality in (95, 90, 75, 50, 30)},
        "75, 4:4:4": partial(compress_jpeg, quality=75, subsampling=0),
    },
    "rotation": {f"{degrees}°": partial(rotate, degrees=degrees) for degrees in (15, 45, 90, 180)},
    "centre crop": {f"{side:g}": partial(crop, side=side) for side in (0.95, 0.8, 0.65)},
    "through a side of": {f"{side} px": partial(rescale, side=side) for side in (192, 150, 112, 80)},
    "blur, sigma of side": {f"{share:.1%}": partial(blur, share=share) for share in (0.002, 0.004, 0.008)},
    "sharpening": {f"{percent} %": partial(sharpen, percent=percent) for percent in (60, 120)},
    "brightness": {f"x {factor:g}": partial(brighten, factor=factor) for factor in (0.7, 0.85, 1.15, 1.3)},
    "colour cast": {
        "warm 10 %": partial(tint, red=1.1, blue=0.9),
        "cold 10 %": partial(tint, red=0.9, blue=1.1),
        "warm 20 %": partial(tint, red=1.2, blue=0.8),
        "cold 20 %": partial(tint, red=0.8, blue=1.2),
    },
    "drawn on": {
        "5 hairs": partial(draw_hairs, hairs=5),
        "20 hairs": partial(draw_hairs, hairs=20),
        "ruler": draw_ruler,
        "ink": draw_ink,
    },
}
"""Kind of corruption -> strength -> function."""
