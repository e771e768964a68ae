"""The supported image formats, recognised by the first bytes of a file."""

from lesion.errors import UnsupportedFormat

FORMATS = ("JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "HEIC", "AVIF")
"""Names of the supported formats, in the order in which messages list them."""

CAMERA_RAW = (
    "This is a camera raw file ({}). Its full image cannot be read, and its preview is not classified. "
    "Export the photo as JPEG and send that."
)
"""Message for camera raw files; the place is for the kind."""

_CAMERA_RAW = {
    b"IIU\0": "RW2",
    b"IIRO": "ORF",
    b"IIRS": "ORF",
    b"MMOR": "ORF",
    b"FUJI": "RAF",
    b"FOVb": "X3F",
    b"\0MRM": "MRW",
}
"""First bytes of camera raw files that are not TIFF; `lesion.imaging.tiff_directory` recognises those that are."""

_NO_IMAGE_READER = "{} files are not supported. Save the image as JPEG or PNG and send that."

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def sniff_format(data: bytes) -> str:
    """Return the image format that the first bytes show, whatever the file's name or content type.

    Args:
        data: the file, or its first 132 bytes.

    Raises:
        UnsupportedFormat: none of `FORMATS`; the message names camera raw, JPEG XL and DICOM.
    """
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:2] == b"BM":
        return "BMP"
    if data[4:8] == b"ftyp":
        # The major brand may be generic (mif1) while a compatible brand names the codec, so all are compared.
        brands = [data[8:12], *(data[i : i + 4] for i in range(16, min(int.from_bytes(data[:4]), 128), 4))]
        if any(brand in (b"avif", b"avis") for brand in brands):
            return "AVIF"
        if any(brand in _HEIC_BRANDS for brand in brands):
            return "HEIC"
        if data[8:12] == b"crx ":
            raise UnsupportedFormat(CAMERA_RAW.format("CR3"))
    if data[:4] in _CAMERA_RAW:
        raise UnsupportedFormat(CAMERA_RAW.format(_CAMERA_RAW[data[:4]]))
    if data[:2] == b"\xff\x0a" or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        raise UnsupportedFormat(_NO_IMAGE_READER.format("JPEG XL"))
    if data[128:132] == b"DICM":
        raise UnsupportedFormat(
            "DICOM files are not supported here. Export the image as JPEG without patient data and send that. "
            "The batch (lesion.batch) reads DICOM photographs if pydicom is installed."
        )
    raise UnsupportedFormat(f"This file is not an image in a supported format. Send one of: {', '.join(FORMATS)}.")
