"""Turn DICOM photographs into PNG, so that the batch classifies them like any other image.

Needs pydicom, and pyjpegls for JPEG-LS: an optional extra of the batch, which the service does not have. Only the elements
that describe pixels are read. Patient data never reach a row, a log or a message.
"""

import logging
import warnings
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from lesion.errors import InvalidImage, TooLarge, UnsupportedFormat
from lesion.imaging.decode import MAX_PIXELS, Pixels

_SOP_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.77.1.{number}" for number in ("1", "2", "4", "7"))
"""VL Endoscopic, VL Microscopic, VL Photographic and Dermoscopic Photography Image Storage (DICOM PS3.4, B.5)."""
_TRANSFER_SYNTAXES = frozenset(
    f"1.2.840.10008.1.2{suffix}" for suffix in ("", ".1", ".1.99", ".5", ".4.50", ".4.80", ".4.81", ".4.90", ".4.91")
)
"""Uncompressed, deflated, run lengths, JPEG baseline, JPEG-LS and JPEG 2000 (DICOM PS3.5, A)."""
_PIXEL_ELEMENTS = (
    *(
        "SOPClassUID",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
    ),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ICCProfile", "PixelData"),
)
_INSTALL = "DICOM files need the packages pydicom and, for JPEG-LS, pyjpegls. Install them, or export the image as JPEG."
_MONOCHROME_1 = "MONOCHROME1"


def is_dicom(data: bytes) -> bool:
    """Return whether a file has the preamble and prefix of DICOM (PS3.10, 7.1)."""
    return data[128:132] == b"DICM"


def dicom_to_png(data: bytes) -> bytes:
    """Return the first frame of a DICOM photograph as PNG, with its ICC profile.

    Args:
        data: the whole file.

    Raises:
        UnsupportedFormat: pydicom is not installed, or the file is not a photograph, or compressed in another way.
        TooLarge: more than `MAX_PIXELS`.
        InvalidImage: truncated or corrupt.
    """
    try:
        import pydicom
    except ImportError as error:
        raise UnsupportedFormat(_INSTALL) from error
    try:
        # Its warnings, log lines and messages may quote the file.
        logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(BytesIO(data), specific_tags=list(_PIXEL_ELEMENTS))
            _check(dataset)
            return _encode(_read_pixels(dataset), getattr(dataset, "ICCProfile", None))
    except (UnsupportedFormat, TooLarge):
        raise
    except Exception:
        # The cause is left out, because a traceback would contain it.
        raise InvalidImage("This DICOM file is truncated or corrupt. Export the image again, as JPEG.") from None


def _check(dataset: Any) -> None:
    kind = dataset.get("SOPClassUID") or dataset.file_meta.MediaStorageSOPClassUID
    if kind not in _SOP_CLASSES:
        raise UnsupportedFormat("This DICOM file is not a photograph: its SOP class is not one of visible light images.")
    if dataset.file_meta.TransferSyntaxUID not in _TRANSFER_SYNTAXES:
        raise UnsupportedFormat("This DICOM file is compressed in a way that is not supported. Export the image as JPEG.")
    if dataset.Rows * dataset.Columns > MAX_PIXELS:
        raise TooLarge(f"The image has more than {MAX_PIXELS // 1_000_000} megapixels. Make it smaller and send it again.")
    if dataset.BitsAllocated not in (8, 16) or dataset.get("PixelRepresentation", 0):
        raise UnsupportedFormat("Signed pixels or more than 16 bits are not supported. Export the image as JPEG.")


def _read_pixels(dataset: Any) -> Pixels:
    """Return 8-bit pixels of the first frame, H x W or H x W x 3; pydicom converts YBR to RGB and planes to pixels."""
    from pydicom.pixels.utils import pixel_array

    try:
        pixels = pixel_array(dataset, index=0)
    except RuntimeError as error:
        # pydicom lists the packages that it misses in a RuntimeError; other errors of decoders have other types.
        if "unable to decompress" in str(error).lower() or "missing dependencies" in str(error).lower():
            raise UnsupportedFormat(_INSTALL) from None
        raise
    narrow: Pixels = (pixels >> max(0, dataset.BitsStored - 8)).astype(np.uint8)
    return np.invert(narrow) if dataset.PhotometricInterpretation == _MONOCHROME_1 else narrow


def _encode(pixels: Pixels, profile: bytes | None) -> bytes:
    buffer = BytesIO()
    # The result is decoded at once, so that size does not matter.
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1, icc_profile=profile)
    return buffer.getvalue()
