"""Small files of the kinds that decoders confuse: layouts of TIFF, descriptions of colours, and kinds that are refused."""

from functools import cache

import numpy as np
from PIL import ImageCms

from tests.support.heic_files import gain_map_heic
from tests.support.image_files import encode, png_with_chunks, small, with_coding_points
from tests.support.paths import PHONE_IMAGES, SAMPLES
from tests.support.tiff_files import tiff_file

CHRM = (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
"""Chromaticities of Display P3, in the units of the chunk."""


@cache
def read_kinds() -> dict[str, bytes]:
    """Return files that are decoded, by name."""
    image = small(SAMPLES / "ISIC_0000030.jpg")
    pixels = np.asarray(image)
    wide, grey = pixels.astype(np.uint16) * 257, np.asarray(image.convert("L"))[..., None].astype(np.uint16) * 257
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    at = profile.index(b"para") + 8
    linear = profile[:at] + bytes(4) + b"\0\1\0\0" + profile[at + 8 :]
    png, avif = encode(image, "PNG"), encode(image, "AVIF")
    return {
        "TIFF of 16 bits in planes": tiff_file(wide, photometric=2, bits=16, planar=True, rows_per_strip=20),
        "TIFF of 16 bits in planes and tiles": tiff_file(
            wide, photometric=2, bits=16, planar=True, tile=(32, 16), order=">"
        ),
        "TIFF of 16 bits, predicted": tiff_file(wide, photometric=2, bits=16, compression=8, predictor=True),
        "TIFF of 16 bits, white is zero": tiff_file(grey, photometric=0, bits=16, order=">"),
        "TIFF of 12 bits": tiff_file(grey >> 4, photometric=1, bits=12),
        "TIFF of YCbCr": tiff_file(np.asarray(image.convert("YCbCr")), photometric=6, planar=True, more={530: (3, (1, 1))}),
        "PNG with cICP": png_with_chunks(png, (b"cICP", b"\x0c\x0d\x00\x01")),
        "PNG with gAMA and cHRM": png_with_chunks(
            png, (b"gAMA", (60_000).to_bytes(4)), (b"cHRM", b"".join(n.to_bytes(4) for n in CHRM))
        ),
        "PNG with a linear profile": encode(image, "PNG", icc_profile=linear),
        "JPEG with a linear profile": encode(image, "JPEG", icc_profile=linear),
        "WebP with a linear profile": encode(image, "WebP", icc_profile=linear),
        "AVIF of P3": with_coding_points(avif, 12, 13),
        "HEIC with a gain map": gain_map_heic(12, 13),
        "HEIC of 10 bits": with_coding_points((PHONE_IMAGES / "ISIC_0000026-10bit.heic").read_bytes(), 9, 14),
    }


@cache
def refused_kinds() -> dict[str, tuple[bytes, str]]:
    """Return files that are refused as an unsupported format, with a word of the message, by name."""
    image = small(SAMPLES / "ISIC_0000030.jpg")
    pixels = np.asarray(image)
    jpeg, png = encode(image, "JPEG"), encode(image, "PNG")
    heic = (PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()
    return {
        "DNG": (tiff_file(pixels, photometric=2, more={254: (4, 1), 50706: (1, (1, 4, 0, 0))}), "camera raw"),
        "NEF": (tiff_file(pixels, photometric=2, order=">", more={254: (4, 1)}), "camera raw"),
        "mosaic TIFF": (tiff_file(pixels[..., :1], photometric=32803), "CFA"),
        "float TIFF": (tiff_file(pixels.astype(np.float32), photometric=2, bits=32, more={339: (3, (3, 3, 3))}), "floating"),
        "uint32 TIFF": (tiff_file(pixels.astype(np.uint32), photometric=2, bits=32), "32-bit integer RGB"),
        "12-bit JPEG": (jpeg.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"), "12-bit"),
        "PNG of PQ": (png_with_chunks(png, (b"cICP", b"\x09\x10\x00\x01")), "HDR"),
        "AVIF of HLG": (with_coding_points(encode(image, "AVIF"), 9, 18), "HDR"),
        "HEIC of HLG": (with_coding_points(heic, 9, 18), "HDR"),
        "JPEG XL": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), "JPEG XL"),
        "DICOM": (bytes(128) + b"DICM" + bytes(100), "DICOM"),
        "RW2": (b"IIU\0\x18\0\0\0" + bytes(100), "camera raw"),
    }
