"""What a file is by its first bytes: contents that people take for a checkpoint are refused by their own names."""

import json
from pathlib import Path

from export.errors import CheckpointError

_START = 512
"""Bytes that are read to recognise a file."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", "a Keras file (HDF5), and Keras networks are not read. Train or load the network in PyTorch"),
    (4, b"TFL3", "a TensorFlow Lite file, and TensorFlow networks are not read. Train or load the network in PyTorch"),
    (0, b"GGUF", "a GGUF file, a format of language models"),
    (0, b"\x93NUMPY", "a NumPy array. Save the state dict of the network with torch.save instead"),
    (0, b"\x1f\x8b", "compressed with gzip. Unpack it first"),
    (0, b"BZh", "compressed with bzip2. Unpack it first"),
    (0, b"\xfd7zXZ\x00", "compressed with xz. Unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive. Unpack it first"),
    (0, b"Rar!", "a RAR archive. Unpack it first"),
    (0, b"\xff\xd8\xff", "an image"),
    (0, b"\x89PNG", "an image"),
    (0, b"%PDF", "a PDF document"),
)
"""Offset, bytes there (of the formats' specifications), what the file is."""

_LONGEST_NOTE = 100_000
"""Bytes of what a server says instead of a file; a pickle of so few bytes holds no network, and is no text either."""

_LFS = b"version https://git-lfs.github.com/spec/"
_PAGE = (b"<!doctype html", b"<html", b"<?xml", b"<head")


def refuse_other_kinds(path: Path) -> None:
    """Refuse a path that cannot be a checkpoint, in words that say what it is.

    Raises:
        CheckpointError: a folder, an empty file, or a file of another kind.
        FileNotFoundError: there is nothing at the path.
    """
    if path.is_dir():
        raise CheckpointError(_folder(path))
    if path.exists() and not path.is_file():
        raise CheckpointError("It is not a regular file.")
    start = _read_start(path)
    if not start.strip():
        raise CheckpointError("It is empty. Was it copied or downloaded completely?")
    for offset, magic, kind in _MAGIC:
        if start[offset:].startswith(magic):
            raise CheckpointError(f"It is {kind}.")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_LFS):
        raise CheckpointError("It is a Git LFS pointer, which stands for the file. Run `git lfs pull` in its repository.")
    if text.startswith(_PAGE):
        raise CheckpointError("It is a web page instead of the file. Download it with a browser, or sign in first.")
    if _is_json(path, text):
        raise CheckpointError("It is a JSON document, not the weights of a network.")
    if path.suffix.lower() != ".onnx" and path.stat().st_size < _LONGEST_NOTE and _is_text(path):
        raise CheckpointError("It is text, not the weights of a network. Was it downloaded with permission?")


def is_safetensors(path: Path) -> bool:
    """Return whether a file is in the safetensors format: the length of a JSON object, 8 bytes, then that object."""
    start = _read_start(path)
    length = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and length <= path.stat().st_size - 8


def is_torch(path: Path) -> bool:
    """Return whether a file begins as `torch.save` writes it: a zip archive, or a pickle."""
    return _read_start(path).startswith((b"PK\x03\x04", b"\x80"))


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)


def _is_text(path: Path) -> bool:
    """Return whether a file is words: printable ASCII with spaces, of more than one word."""
    data = path.read_bytes()
    return b" " in data.strip() and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data)


def _is_json(path: Path, text: bytes) -> bool:
    if not text.startswith((b"{", b"[")):
        return False
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _folder(path: Path) -> str:
    suffixes = {".pth", ".pt", ".pkl", ".ckpt", ".tar", ".bin", ".safetensors"}
    files = sorted(file.name for file in path.iterdir() if file.suffix.lower() in suffixes)
    if files:
        return f"It is a folder. Name the file in it: {', '.join(files[:5])}{' ...' if len(files) > 5 else ''}."
    if (path / "saved_model.pb").exists():
        return "It is a folder of TensorFlow, and TensorFlow networks are not read. Train or load the network in PyTorch."
    return "It is a folder without a checkpoint. Name the file."
