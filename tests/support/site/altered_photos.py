"""Photos with a fault, made from photos without one: out of focus, dark, with glare, from too far away."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.support.site.photo_quality import SIDE


def blurred(image: Image.Image, sigma: float) -> Image.Image:
    """Return the image out of focus by `sigma` pixels of `SIDE`."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """Return the image with its levels multiplied by `factor`, up to white."""
    return image.point(lambda level: min(255, round(level * factor)))


def with_glare(image: Image.Image, diameter: float) -> Image.Image:
    """Return the image with a soft white reflection, `diameter` as a share of the side, near the middle."""
    light = Image.new("L", image.size)
    radius, middle = diameter * SIDE / 2, 0.45 * SIDE
    ImageDraw.Draw(light).ellipse([middle - radius, middle - radius, middle + radius, middle + radius], fill=255)
    return Image.composite(Image.new("RGB", image.size, "white"), image, light.filter(ImageFilter.GaussianBlur(2)))


def farther(image: Image.Image, factor: float) -> Image.Image:
    """Return the image at `factor` of its size, on skin of its own border colours."""
    side = round(factor * SIDE)
    before = (SIDE - side) // 2
    small = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS), float)
    after = SIDE - side - before
    extended = np.pad(small, ((before, after), (before, after), (0, 0)), mode="edge")
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    soft = Image.fromarray(extended.astype(np.uint8)).filter(ImageFilter.GaussianBlur(SIDE / 12))
    skin = (np.asarray(soft, float) + np.median(border, axis=0)) / 2
    inside = Image.new("L", image.size)
    inside.paste(255, (before, before, before + side, before + side))
    # Fades within the small image, so that its border is no edge.
    faded = np.asarray(inside.filter(ImageFilter.GaussianBlur(side / 10)), float) / 255
    share = np.clip(2 * faded - 1, 0, 1)[..., None]
    noise = np.random.default_rng(0).normal(0, 2, extended.shape)
    return Image.fromarray(np.clip(extended * share + skin * (1 - share) + noise, 0, 255).astype(np.uint8))


def closer(image: Image.Image, factor: float) -> Image.Image:
    """Return the middle of the image, enlarged `factor` times."""
    before = SIDE * (1 - 1 / factor) / 2
    return image.resize(image.size, Image.Resampling.BICUBIC, box=(before, before, SIDE - before, SIDE - before))


def twice(image: Image.Image) -> Image.Image:
    """Return two copies of the lesion beside each other, at half the size."""
    small = np.asarray(farther(image, 0.48))
    left, right = (np.roll(small, shift, axis=1) for shift in (-round(0.22 * SIDE), round(0.22 * SIDE)))
    return Image.fromarray(np.where((np.arange(SIDE) < SIDE // 2)[None, :, None], left, right))


def skin(image: Image.Image) -> Image.Image:
    """Return a corner of the image without its lesion, enlarged."""
    return image.resize(image.size, Image.Resampling.BICUBIC, box=(4, 4, SIDE // 4, SIDE // 4))
