"""Cases of WebP, HEIC and AVIF containers, and of colour profiles and EXIF."""

import struct
from functools import partial

import numpy as np
from PIL import Image, ImageCms

from tests.hostile.cases import isobmff
from tests.hostile.cases.case import CLASSIFIED, Case, noise
from tests.hostile.cases.crafted_files import (
    chunk,
    gradient,
    jpeg,
    png,
    segment,
    tiff,
)
from tests.support.image_files import encode
from tests.support.paths import PHONE_IMAGES


def containers() -> dict[str, Case]:
    """Return WebP, HEIC and AVIF files."""
    webp = encode(gradient("RGB"), "WebP")
    avif = encode(gradient("RGB"), "AVIF")
    heic = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    return {
        "WebP animated": (CLASSIFIED, lambda: encode(frames[0], "WebP", save_all=True, append_images=frames[1:])),
        "WebP whose length lies": ("invalid_image", lambda: webp[:4] + b"\xff\xff\xff\x7f" + webp[8:]),
        "WebP of noise": ("invalid_image", lambda: webp[:20] + noise(5000)),
        "WebP of empty chunks": (
            "invalid_image",
            lambda: b"RIFF" + struct.pack("<I", 800_004) + b"WEBP" + b"ABCD\0\0\0\0" * 100_000,
        ),
        "HEIC of two tiles by two": (CLASSIFIED, lambda: isobmff.heic_grid(2, 2, 640, 480)),
        "HEIC whose tiles say another size": (
            "invalid_image",
            lambda: isobmff.heic_grid(1, 1, 640, 480, declared=(640, 480)),
        ),
        "HEIC of countless properties": (
            "invalid_image",
            lambda: (
                isobmff.box(b"ftyp", b"heic\0\0\0\0mif1heic")
                + isobmff.full(
                    b"meta",
                    isobmff.full(b"pitm", b"\0\1")
                    + isobmff.box(
                        b"iprp",
                        isobmff.box(b"ipco", isobmff.box(b"free", b"") * 300_000)
                        + isobmff.full(b"ipma", b"\0\0\xff\xff" + bytes(1_000_000)),
                    ),
                )
            ),
        ),
        "HEIC of boxes in boxes": (
            "invalid_image",
            lambda: nested(isobmff.box(b"ftyp", b"heic\0\0\0\0mif1heic"), b"meta", 2000),
        ),
        "HEIC of a box without an end": ("invalid_image", lambda: heic[:28] + b"\xff\xff\xff\xff" + heic[32:]),
        "HEIC cut short": ("invalid_image", lambda: heic[: len(heic) // 2]),
        # libde265 conceals errors without reporting them.
        "HEIC of noise": (CLASSIFIED, lambda: heic[:0x182] + noise(len(heic) - 0x182)),
        "AVIF of noise": ("invalid_image", lambda: avif[: avif.index(b"mdat") + 4] + noise(3000)),
        "AVIF that is a HEIC": ("invalid_image", lambda: heic.replace(b"heic", b"avif").replace(b"mif1", b"avif")),
        "AVIF cut short": ("invalid_image", lambda: avif[:-100]),
    }


def nested(head: bytes, kind: bytes, depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = isobmff.full(kind, inner)
    return head + inner


def metadata() -> dict[str, Case]:
    """Return images with colour profiles and EXIF; malformed ones are ignored, and the image is classified."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    loop = b"Exif\0\0" + tiff([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (274, 3, 1, 6)], following=8)
    overlap = b"Exif\0\0" + tiff([(1000 + n, 1, 60_000, 10) for n in range(4000)])
    turns = b"Exif\0\0" + tiff([(274, 2, 60_000, 10)]) + b"x" * 10_000
    profiles = {
        "that is noise": noise(3000),
        "of zeros": bytes(3000),
        "of 4 MB": profile + bytes(4_000_000),
        "that says it has 4 GB": b"\xff\xff\xff\xff" + profile[4:],
        "of four billion tags": profile[:128] + b"\xff\xff\xff\xff" + profile[132:],
        "whose tags are outside": profile[:136] + b"\xff" * 100 + profile[236:],
        "of another colour space": lab,
        "cut short": profile[:200],
    }
    return {
        f"JPEG with a profile {name}": (CLASSIFIED, partial(encode, gradient(), "JPEG", icc_profile=data))
        for name, data in profiles.items()
    } | {
        "JPEG whose EXIF refers to itself": (CLASSIFIED, lambda: jpeg(segment(0xE1, loop))),
        "JPEG whose EXIF overlaps": (CLASSIFIED, lambda: jpeg(segment(0xE1, overlap[:65_000]))),
        "JPEG turned by a text": (CLASSIFIED, lambda: jpeg(segment(0xE1, turns))),
        "JPEG whose EXIF is huge": (
            CLASSIFIED,
            lambda: jpeg(segment(0xE1, loop) + segment(0xE1, loop[:6] + bytes(65_000)) * 60),
        ),
        "PNG whose EXIF is huge": (CLASSIFIED, lambda: png(8, 8, extra=chunk(b"eXIf", noise(4_000_000)))),
        "WebP whose EXIF overlaps": (CLASSIFIED, lambda: encode(gradient(), "WebP", exif=overlap[6:])),
        "grey image with a colour profile": (CLASSIFIED, lambda: encode(gradient("L"), "PNG", icc_profile=profile)),
        "floats in 16 bits": (CLASSIFIED, lambda: encode(Image.fromarray(np.full((8, 8), 65_535, np.uint16)), "PNG")),
    }
