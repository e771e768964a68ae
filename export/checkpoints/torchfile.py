"""Reader of files of `torch.save` that runs no code of them: tensors become tensors, other objects records.

Both containers: the zip archive (PyTorch 1.6 and later), and the older one of several pickles in a row with the storages
after them, which fastai v1 wrote in 2019. Sizes in a file are not trusted: no tensor may be larger than its file.
"""

import math
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from export.checkpoints.recorded_objects import global_name
from export.checkpoints.safe_pickle import unpickle
from export.errors import UnpickleError

LARGEST_FILE = 4 * 2**30
"""Largest file in bytes; it is read into memory."""

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001

_TYPES = {
    "torch.DoubleStorage": torch.float64,
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


def read_torch_file(path: Path) -> Any:
    """Read a file of `torch.save`.

    Returns:
        dicts, lists, numbers, strings and CPU tensors; a `RecordedObject` for any other object.

    Raises:
        UnpickleError: the file is of another kind, damaged, or too large.
        OSError: it cannot be read.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise UnpickleError(f"{path} is larger than {LARGEST_FILE >> 30} GiB.")
    data = path.read_bytes()
    reader = _ZipContainer(data) if data.startswith(b"PK\3\4") else _LegacyContainer(data)
    return reader.read()


class _Container(ABC):
    """Base of both containers: the constructors of tensors, and a budget of memory for their results."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.budget = 2 * len(data)
        self.storages: dict[str, torch.Tensor] = {}  # key -> flat tensor
        self.constructors: dict[str, Callable[..., Any]] = {
            "torch._utils._rebuild_tensor": self.tensor,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch._utils._rebuild_parameter": self.parameter,
            "torch._utils._rebuild_parameter_with_state": self.parameter,
            "torch._tensor._rebuild_from_type_v2": self.subclass,
            "fastai.torch_core._fa_rebuild_tensor": self.fastai_tensor,
            "_codecs.encode": self.encode,
        }

    def reserve(self, size: int) -> int:
        """Subtract bytes from the budget, which is twice the size of the file, and return them."""
        self.budget -= size
        if size < 0 or self.budget < 0:
            raise UnpickleError("The file asks for more memory than it has content for.")
        return size

    def encode(self, text: str, encoding: str = "") -> bytes:
        """Return bytes, which protocol 2 writes as a string in latin-1."""
        if encoding != "latin1":
            raise UnpickleError(f"The pickle in it has bytes written as {encoding!r}.")
        self.reserve(len(text))
        return text.encode("latin-1")

    def tensor(self, storage: torch.Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Any:
        """Return a tensor of `size` in a storage; further arguments (gradient, hooks) are ignored."""
        numbers = (offset, *size, *stride)
        if not isinstance(storage, torch.Tensor) or storage.ndim != 1 or len(size) != len(stride):
            raise UnpickleError("The pickle in it has a tensor without its storage.")
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            raise UnpickleError("The pickle in it has a tensor of negative size.")
        count = math.prod(size)
        last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
        if count and (last >= len(storage) or count > len(storage)):
            raise UnpickleError("The pickle in it has a tensor that is larger than its storage.")
        return torch.as_strided(storage, size, stride, offset) if count else storage.new_empty(size)

    def parameter(self, tensor: torch.Tensor, *_: Any) -> torch.Tensor:
        """Return the tensor of a parameter."""
        return tensor

    def subclass(self, function: Any, kind: Any, args: tuple[Any, ...], *_: Any) -> Any:
        """Return the tensor of a tensor subclass."""
        if not global_name(function):
            raise UnpickleError("The pickle in it has a tensor of a subclass without its constructor.")
        return function(*args)

    def fastai_tensor(self, kind: Any, *args: Any) -> Any:
        """Return the tensor of fastai v2's tensors with metadata."""
        return self.tensor(*args)

    def persistent(self, identity: Any) -> Any:
        """Return a storage or, in the older container, a module that was saved with its source (PyTorch below 1.6)."""
        match identity:
            case ("storage", kind, str(key), str(), int(count), *view) if global_name(kind) in _TYPES:
                return self.view(self.storage(key, _TYPES[global_name(kind)], count), *view)
            case ("module", kind, *_) if global_name(kind):
                return kind
        raise UnpickleError("The pickle in it refers to something outside that is no tensor's storage.")

    def view(self, storage: torch.Tensor, view: Any = None) -> torch.Tensor:
        """Return a part of a storage: (key, offset, length) in the older container, None for all of it."""
        if view is None:
            return storage
        _, offset, length = view
        part: torch.Tensor = self.tensor(storage, offset, (length,), (1,))
        return part

    @abstractmethod
    def storage(self, key: str, kind: torch.dtype, count: int) -> torch.Tensor:
        """Return the storage of a persistent id, flat (count,)."""


class _ZipContainer(_Container):
    """One folder in a zip archive: data.pkl, byteorder, data/KEY."""

    def read(self) -> Any:
        try:
            self.archive = zipfile.ZipFile(BytesIO(self.data))
            names = self.archive.namelist()
            data_members = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
            if any(name.endswith("/constants.pkl") for name in names):
                raise UnpickleError("It is a TorchScript program. Save the state dict of the network instead.")
            if len(data_members) != 1:
                raise UnpickleError("It is a zip archive, but not one that torch.save wrote.")
            self.folder = data_members[0].removesuffix("data.pkl")
            if f"{self.folder}byteorder" in names and self.member("byteorder") != b"little":
                raise UnpickleError("It was written on a big-endian machine. Save it again on a little-endian one.")
            return unpickle(BytesIO(self.member("data.pkl")), self.constructors, self.persistent)
        except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
            # zipfile raises NotImplementedError for an unsupported compression.
            raise UnpickleError(f"The archive is damaged ({error}).") from error

    def member(self, name: str) -> bytes:
        # torch.save does not compress, so that an honest member is smaller than the file.
        self.reserve(self.archive.getinfo(self.folder + name).file_size)
        return self.archive.read(self.folder + name)

    def storage(self, key: str, kind: torch.dtype, count: int) -> torch.Tensor:
        if key not in self.storages:
            data = bytearray(self.member(f"data/{key}"))
            if len(data) != count * kind.itemsize:
                raise UnpickleError(f"The storage {key} has {len(data)} bytes, not {count * kind.itemsize}.")
            self.storages[key] = torch.frombuffer(data, dtype=kind) if count else torch.empty(0, dtype=kind)
        return self.storages[key]


class _LegacyContainer(_Container):
    """Pickles in a row: a magic number, the version, the machine, the object, the order of the storages; then these."""

    def read(self) -> Any:
        stream = BytesIO(self.data)
        if self.next_pickle(stream) != _LEGACY_MAGIC or self.next_pickle(stream) != _LEGACY_PROTOCOL:
            raise UnpickleError("It is a pickle, but not one that torch.save wrote.")
        machine, root, order = (self.next_pickle(stream) for _ in range(3))
        if not isinstance(machine, dict) or not machine.get("little_endian") or not isinstance(order, list):
            raise UnpickleError("It was written on a big-endian machine, or is damaged.")
        for key in order:
            storage = self.storages.get(key) if isinstance(key, str) else None
            if storage is None:
                raise UnpickleError("It has a storage that belongs to nothing.")
            count = int.from_bytes(stream.read(8), "little", signed=True)
            data = stream.read(storage.nbytes)
            if count != len(storage) or len(data) != storage.nbytes:
                raise UnpickleError(f"The storage {key} is not complete.")
            if count:
                storage.copy_(torch.frombuffer(bytearray(data), dtype=storage.dtype))
        return root

    def next_pickle(self, stream: BytesIO) -> Any:
        return unpickle(stream, self.constructors, self.persistent)

    def storage(self, key: str, kind: torch.dtype, count: int) -> torch.Tensor:
        if key not in self.storages:
            self.reserve(count * kind.itemsize)
            self.storages[key] = torch.zeros(count, dtype=kind)
        storage = self.storages[key]
        if storage.dtype != kind or len(storage) != count:
            raise UnpickleError(f"The storage {key} has two sizes.")
        return storage
