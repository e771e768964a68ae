"""Corruptions of images: each changes the image as its name says."""

from io import BytesIO

import numpy as np
import pytest
from lesion.imaging.decode import Pixels, decode
from PIL import Image

from export.data.corruptions import (
    CORRUPTIONS,
    crop,
    draw_hairs,
    encode_camera_photo,
    reencode_as_page,
    rescale,
    rotate,
    tint,
)
from tests.support.paths import SAMPLES


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return decode((SAMPLES / "ISIC_0010021.jpg").read_bytes(), at_least=224).pixels


@pytest.mark.parametrize(("kind", "strength"), [(kind, name) for kind, all_of in CORRUPTIONS.items() for name in all_of])
def test_corruption_changes_the_image_reproducibly(pixels: Pixels, kind: str, strength: str) -> None:
    before = pixels.copy()
    first, second = (CORRUPTIONS[kind][strength](pixels, np.random.default_rng(7)) for _ in range(2))
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    assert first.shape != pixels.shape or (first != pixels).any()
    assert (first == second).all()
    assert (pixels == before).all()


def test_rotate_by_180_degrees_flips_both_axes(pixels: Pixels) -> None:
    square = pixels[:200, :200]
    turned = rotate(square, np.random.default_rng(), degrees=180)
    assert np.abs(turned[::-1, ::-1].astype(int) - square).mean() < 1


def test_crop_keeps_the_centre(pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    kept = crop(pixels, np.random.default_rng(), side=0.5)
    top, left = (height - kept.shape[0]) // 2, (width - kept.shape[1]) // 2
    assert (kept == pixels[top : top + kept.shape[0], left : left + kept.shape[1]]).all()


def test_rescale_loses_detail_and_tint_moves_channels(pixels: Pixels) -> None:
    rng = np.random.default_rng()
    coarse, fine = (np.diff(rescale(pixels, rng, side=side).astype(int), axis=0).std() for side in (40, 160))
    assert coarse < fine
    warm = tint(pixels, np.random.default_rng(), red=1.1, blue=0.9).mean((0, 1)) - pixels.mean((0, 1))
    assert warm[0] > 0 > warm[2]


def test_draw_hairs_darkens_a_small_part(pixels: Pixels) -> None:
    changed = draw_hairs(pixels, np.random.default_rng(3), hairs=5)
    touched = (changed != pixels).any(2)
    assert 0.001 < touched.mean() < 0.2
    assert changed[touched].mean() < pixels[touched].mean()


def test_reencode_as_page_reduces_a_camera_file(pixels: Pixels) -> None:
    camera = encode_camera_photo(pixels)
    large, small = (np.asarray(Image.open(BytesIO(file))) for file in (camera, reencode_as_page(camera)))
    assert (max(large.shape), max(small.shape)) == (3200, 1600)
    # Reduced to one size, the two images differ only by compression.
    first, second = (np.asarray(Image.fromarray(image).resize((200, 150)), float) for image in (large, small))
    assert 0 < np.abs(first - second).mean() < 2
