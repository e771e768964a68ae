"""Seed inputs of the fuzzer."""

from collections.abc import Iterator
from typing import Any

from PIL import Image

from tests.hostile.cases.all_cases import cases
from tests.support.image_files import encode, small_files
from tests.support.image_kinds import read_kinds, refused_kinds


def of(target: str) -> Iterator[bytes]:
    """Yield the seed inputs of a target, `image`, `upload` or `dicom`."""
    yield from {"image": _images, "upload": _forms, "dicom": _dicoms}[target]()


def _images() -> Iterator[bytes]:
    for name, (_, make) in cases().items():
        # Millions of pixels only slow the fuzzer down.
        if "bomb" not in name:
            yield make()
    for _, data in small_files():
        yield data
    yield from read_kinds().values()
    for data, _ in refused_kinds().values():
        yield data
    tiny = Image.radial_gradient("L").resize((9, 7))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"):
        for name in ("JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "AVIF"):
            try:
                yield encode(tiny.convert(mode), name)
            except (OSError, ValueError):
                # Not every format supports every mode.
                continue


def _forms() -> Iterator[bytes]:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\nx\r\n'
    other = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\ny\r\n'
    nameless = part.replace(b'; filename="a"', b"")
    empty = part.replace(b"\r\nx\r\n", b"\r\n\r\n")
    several = (part * 2 + b"--b--\r\n", part * 6 + b"--b--\r\n", part + nameless + empty + b"--b--\r\n")
    for body in (part + b"--b--\r\n", other + part + b"--b--", part, other * 9, b"", b"--b--\r\n", *several):
        yield b"multipart/form-data; boundary=b\n" + body
        yield b'multipart/form-data; boundary="b"; charset=utf-8\n' + body
    yield b"image/png\nx"
    yield b"multipart/mixed; boundary=b\n"
    yield b"multipart/form-data; boundary*0=b; boundary*1=c; filename*=utf-8''%e2\n"


def _dicoms() -> Iterator[bytes]:
    from tests.support.dicom_files import BASELINE, JPEG_2000, dicom

    tiny = Image.radial_gradient("L").resize((16, 12)).convert("RGB")
    yield dicom(tiny.tobytes(), tiny)
    yield dicom(tiny.tobytes(), tiny, PlanarConfiguration=1, ICCProfile=bytes(200))
    yield dicom(encode(tiny, "JPEG"), tiny, BASELINE, PhotometricInterpretation="YBR_FULL_422")
    yield dicom(encode(tiny, "JPEG2000", no_jp2=True), tiny, JPEG_2000, PhotometricInterpretation="YBR_RCT")
    grey: dict[str, Any] = {"SamplesPerPixel": 1, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    yield dicom(bytes(16 * 12 * 2), tiny, PhotometricInterpretation="MONOCHROME1", **grey)
