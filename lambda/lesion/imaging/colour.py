"""Convert decoded pixels to sRGB: find the description of their colours that takes precedence, and apply it."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from lesion.imaging.bmff import read_coding_points
from lesion.imaging.coding_points import check_not_hdr
from lesion.imaging.png_chunks import png_profiles

_SRGB = ImageCms.createProfile("sRGB")
_SAME_LEVELS = 2
"""A profile is sRGB if it changes no probe colour by more than so many levels of 255. Versions of sRGB differ by one."""
_MAX_REMEMBERED = 64
_PQ_PROFILE = "ITUR_2100_PQ_FULL"
"""Name of the profile that stands for PQ (W3C note "Using the ITU BT.2100 PQ EOTF with the PNG Format")."""

_is_srgb_by_digest: dict[bytes, bool] = {}


def list_profiles(name: str, data: bytes, info: Mapping[Any, Any]) -> list[bytes | None]:
    """Return the ICC profiles that describe an image's colours, the one that takes precedence first.

    None stands for sRGB, and so does an empty list: an image without a description is sRGB. In HEIC and AVIF, an ICC profile
    takes precedence over `nclx`, whose matrix and range the decoder has applied (ISO/IEC 14496-12, 12.1.5; MIAF, ISO/IEC
    23000-22, 7.3.6.4). For PNG see `lesion.imaging.png_chunks`. The other formats have an ICC profile or nothing.

    Args:
        name: one of `lesion.imaging.formats.FORMATS`.
        data: the whole file.
        info: the metadata that Pillow or libheif read.

    Raises:
        UnsupportedFormat: the image is HDR (PQ or HLG).
    """
    if name == "PNG":
        profiles = list(png_profiles(data, info))
    else:
        profile = info.get("icc_profile")
        profiles = [profile] if profile else []
        if name in ("HEIC", "AVIF") and not profile and (points := read_coding_points(data)):
            profiles.append(points.profile())
    for described in profiles[:1]:
        if described:
            _check_not_hdr(described)
    return profiles


def to_srgb(image: Image.Image, profiles: Iterable[bytes | None]) -> Image.Image:
    """Blend onto white and convert to sRGB with the first profile that can be used.

    A malformed profile, or one for another colour space than the pixels', counts as none.

    Args:
        image: mode L, LA, RGB, RGBA or CMYK.
        profiles: from `list_profiles`.

    Returns:
        The image in mode RGB.
    """
    if image.mode == "LA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).getchannel(0)
    elif image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    for profile in profiles:
        if profile is None:
            break
        converted = _convert(image, profile)
        if converted is not None:
            return converted
    return image.convert("RGB")


def _convert(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the image in sRGB; None if the profile cannot be used."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB":
            # Grey pixels are those of equal channels.
            image = image.convert("RGB") if image.mode == "L" else image
            if _is_srgb(profile, source) and image.mode == "RGB":
                return image
        return _apply(image, source)
    except (ImageCms.PyCMSError, OSError):
        return None


def _apply(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    return ImageCms.profileToProfile(image, source, _SRGB, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB")


def _is_srgb(profile: bytes, source: ImageCms.ImageCmsProfile) -> bool:
    """Return whether a profile has the primaries and the curve of sRGB, whatever its description says.

    Names mislead in both directions: GIMP's linear profile contains "sRGB", and many copies of sRGB do not.
    """
    digest = sha256(profile).digest()
    if digest not in _is_srgb_by_digest:
        if len(_is_srgb_by_digest) >= _MAX_REMEMBERED:
            _is_srgb_by_digest.clear()
        probe = _probe()
        converted = _apply(probe, source)
        change = np.asarray(converted, np.int16) - np.asarray(probe, np.int16)
        _is_srgb_by_digest[digest] = bool(np.abs(change).max() <= _SAME_LEVELS)
    return _is_srgb_by_digest[digest]


def _probe() -> Image.Image:
    """Return all greys, and colours with six levels of each channel."""
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return Image.fromarray(np.concatenate([greys, colours])[None])


def _check_not_hdr(profile: bytes) -> None:
    """Reject a profile of an HDR colour space: by its tag `cicp` (ICC.1:2022, 9.2.17) or its name.

    Raises:
        UnsupportedFormat: the profile is for PQ or HLG.
    """
    count = min(int.from_bytes(profile[128:132]), 100)
    for entry in (profile[at : at + 12] for at in range(132, 132 + 12 * count, 12)):
        if entry[:4] == b"cicp":
            at = int.from_bytes(entry[4:8])
            check_not_hdr(int.from_bytes(profile[at + 9 : at + 10]))
    if _PQ_PROFILE.encode() in profile or _PQ_PROFILE.encode("utf-16-be") in profile:
        check_not_hdr(16)
