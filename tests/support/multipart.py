"""Bodies of multipart/form-data requests (RFC 7578), byte by byte."""

BOUNDARY = "an-edge"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
"""Headers of a request with such a body."""


def part(name: str, content: bytes, *, file: str | None = "photo.jpg") -> bytes:
    """Return one part of the form; without a file name for `file=None`."""
    disposition = f'form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Return the body that consists of `parts`."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
