"""Pickles are read as data: hostile ones call nothing, damaged ones raise an error, honest ones equal torch.load's."""

import argparse
import io
import pickle
import struct
import subprocess
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recorded_objects import RecordedObject, iterate_objects, to_builtin
from export.checkpoints.torchfile import read_torch_file
from export.errors import CheckpointError, UnpickleError
from tests.pickles import RECORDED

MARKER: list[Path] = []
"""File that the payloads of this module would create; an attribute, because a pickle names functions of modules."""


def leave_trace(*_: Any, **__: Any) -> dict[str, Any]:
    MARKER[0].touch()
    return {}


class Reduced:
    def __reduce__(self) -> tuple[Any, ...]:
        return leave_trace, ()


class Evaluated:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"__import__('pathlib').Path({str(MARKER[0])!r}).touch()",)


class Shell:
    def __reduce__(self) -> tuple[Any, ...]:
        return subprocess.call, (["touch", str(MARKER[0])],)


class SetState:
    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}

    def __setstate__(self, state: dict[str, int]) -> None:
        leave_trace()


class InState:
    def __init__(self) -> None:
        self.inner = [{"deep": (Reduced(),)}]


class AsItems:
    """Pickled with list and dict items, which call `extend` and `__setitem__` of the created object."""

    def __reduce__(self) -> tuple[Any, ...]:
        return leave_trace, (), None, None, iter({"a": 1}.items())


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def called(module: str, name: str) -> bytes:
    """Return a call in protocol 4: STACK_GLOBAL, EMPTY_TUPLE, REDUCE."""
    return b"\x80\x04" + text(module) + text(name) + b"\x93)R."


def pickled(value: Any, protocol: int) -> Callable[[], bytes]:
    return lambda: pickle.dumps(value(), protocol)


HERE = __name__.encode()
HOSTILE: dict[str, Callable[[], bytes]] = {
    **{f"reduce, protocol {protocol}": pickled(Reduced, protocol) for protocol in range(6)},
    "eval": pickled(Evaluated, 2),
    "shell": pickled(Shell, 2),
    "__setstate__": pickled(SetState, 2),
    "in the state of an object": pickled(InState, 2),
    "with items": pickled(AsItems, 2),
    "INST": lambda: b"(i" + HERE + b"\nleave_trace\n.",
    "OBJ": lambda: b"(c" + HERE + b"\nleave_trace\no.",
    "NEWOBJ": lambda: b"\x80\x02c" + HERE + b"\nReduced\n)\x81c" + HERE + b"\nleave_trace\n)R\x86.",
    "keyword arguments": lambda: (
        b"\x80\x04" + text(__name__) + text("Path") + b"\x93)}\x92" + called(__name__, "leave_trace")[2:]
    ),
    "a dotted name": lambda: (
        called(__name__, "MARKER.__class__.__name__.join")[:-3] + b"0" + called(__name__, "leave_trace")[2:]
    ),
    "a dotted name below an allowed function": lambda: (
        b"\x80\x04"
        + text("torch._utils")
        + text("_rebuild_tensor_v2.__globals__")
        + b"\x930"
        + called(__name__, "leave_trace")[2:]
    ),
    "as an argument of an allowed function": lambda: (
        b"\x80\x02ccollections\nOrderedDict\nc" + HERE + b"\nleave_trace\n)R\x85R."
    ),
}


def in_zip(data: bytes, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
    return path


def in_row(data: bytes, path: Path) -> Path:
    """Write the container of PyTorch below 1.6."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in head) + data + pickle.dumps([], 2))
    return path


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    MARKER[:] = [tmp_path / "trace"]
    return MARKER[0]


@pytest.mark.parametrize("container", [in_zip, in_row])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickle_calls_nothing(
    name: str, container: Callable[[bytes, Path], Path], marker: Path, tmp_path: Path
) -> None:
    data = HOSTILE[name]()
    pickle.loads(data)
    assert marker.exists(), "The payload itself does not work."
    marker.unlink()

    path = container(data, tmp_path / "file.pth")
    if name != "as an argument of an allowed function":
        assert list(iterate_objects([read_torch_file(path)]))
    else:
        with pytest.raises(UnpickleError):
            read_torch_file(path)
    assert not marker.exists()


@pytest.mark.parametrize("container", [in_zip, in_row])
@pytest.mark.parametrize(
    "identity",
    [
        pickle.dumps(("storage", "FloatStorage", "0", "cpu", 1), 2)[2:-1],
        b"(X\x07\0\0\0storagec" + HERE + b"\nleave_trace\n)RX\x01\0\0\x000X\x03\0\0\0cpuK\x01t",
        b"(X\x07\0\0\0storagectorch\nload\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01t",
        b"c" + HERE + b"\nleave_trace\n)R",
        b"(X\x06\0\0\0moduleX\x01\0\0\0at",
    ],
)
def test_persistent_id_of_no_storage_is_refused(
    identity: bytes, container: Callable[[bytes, Path], Path], marker: Path, tmp_path: Path
) -> None:
    path = container(b"\x80\x02" + identity + b"Q.", tmp_path / "file.pth")
    with pytest.raises(UnpickleError, match="something outside"):
        read_torch_file(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02\x82\x01.",  # EXT1, the registry of copyreg
        b"\x80\x05\x97.",  # a buffer out of band
        b"P0\n.",  # a persistent id as text
    ],
)
def test_opcodes_outside_of_checkpoints_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnpickleError, match="no checkpoint needs"):
        read_torch_file(in_zip(data, tmp_path / "file.pth"))


def tensor_call(offset: int, size: tuple[int, ...], stride: tuple[int, ...], count: int = 4) -> bytes:
    """Return a pickle of a tensor in the storage 0 of float32."""
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu" + pickle.dumps(count, 2)[2:-1] + b"tQ"
    rest = b"".join(pickle.dumps(part, 2)[2:-1] for part in (offset, size, stride, False))
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"ccollections\nOrderedDict\n)RtR."


def with_storage(data: bytes, path: Path, storage: bytes = b"\0" * 16) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", storage)
    return path


@pytest.mark.parametrize(
    ("offset", "size", "stride", "count"),
    [
        (0, (5,), (1,), 4),  # beyond the end
        (3, (2,), (1,), 4),
        (-1, (1,), (1,), 4),
        (0, (-1,), (1,), 4),
        (0, (2,), (2**40,), 4),
        (0, (2**40,), (0,), 4),  # the same number again and again
        (0, (2, 2), (1,), 4),
        (0, (4,), (1,), 2**40),  # a storage that is not there
        (0, (4,), (1,), -4),
    ],
)
def test_tensor_larger_than_its_file_is_refused(
    offset: int, size: tuple[int, ...], stride: tuple[int, ...], count: int, tmp_path: Path
) -> None:
    data = tensor_call(offset, size, stride, count)
    for path in (with_storage(data, tmp_path / "zip.pth"), in_row(data, tmp_path / "row.pth")):
        with pytest.raises(UnpickleError):
            read_torch_file(path)


def test_compressed_archive_beyond_the_budget_is_refused(tmp_path: Path) -> None:
    count = 5_000_000
    path = with_storage(tensor_call(0, (count,), (1,), count), tmp_path / "bomb.pth", b"\0" * 4 * count)
    assert path.stat().st_size < 100_000
    with pytest.raises(UnpickleError, match="more memory"):
        read_torch_file(path)


def tuple_tree(depth: int) -> bytes:
    """Return a tuple that contains one tuple twice, and so on: 2 ** depth parts in 2 * depth bytes."""
    return b")" + b"2\x86" * depth


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x02Nr\xff\xff\xff\xff.", "memo index"),  # an array of four thousand million entries, in the library
        (b"\x80\x02N" + b"p4000000000\n.", "memo index"),
        (b"\x80\x02)" + b"\x85" * 100_000 + b".", "nested deeper"),
        (b"\x80\x02})" + b"\x85" * 1_000_000 + b"Ns.", "nested deeper"),  # its hash would overflow the C stack
        (b"\x80\x02}" + tuple_tree(60) + b"Ns.", "longer than"),  # its hash would take for ever
        (b"\x80\x02}(" + tuple_tree(60) + b"Nu.", "longer than"),
        (b"\x80\x02(" + tuple_tree(60) + b"Nd.", "longer than"),
        (b"\x80\x04\x8f(" + tuple_tree(60) + b"\x90.", "longer than"),
        (b"\x80\x04(" + tuple_tree(60) + b"\x91.", "longer than"),
        (b"\x80\x02ccollections\nOrderedDict\n]]" + tuple_tree(60) + b"aNaa\x85R.", "as a key"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"a.", "damaged"),  # bytes of a length that is not there
        (b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"a.", "damaged"),
        (b"\x80\x02" + b"".join(b"ca\n%d\n0" % name for name in range(10_001)) + b"N.", "names more classes"),
    ],
)
def test_pickle_that_exhausts_memory_or_time_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnpickleError, match=message):
        read_torch_file(in_zip(data, tmp_path / "file.pth"))


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02]" + b"2a" * 10_000 + b".",  # a list that holds itself
        b"\x80\x02" + tuple_tree(60) + b".",  # never hashed
        b"\x80\x02" + b")" + b"\x85" * 90 + b".",
    ],
)
def test_pickle_of_an_odd_shape_is_read(data: bytes, tmp_path: Path) -> None:
    assert list(iterate_objects(read_torch_file(in_zip(data, tmp_path / "file.pth")))) == []


@pytest.mark.parametrize(
    ("opcodes", "error"),
    [
        (b"(NNNtb", False),  # BUILD, which would call torch.Tensor.__setstate__
        (b"N}X\x01\0\0\0aNs\x86b", False),  # BUILD of __slots__
        (b"(K\x01\x90", True),  # ADDITEMS, which would call add
        (b"K\0K\x07s", True),  # SETITEM
        (b"K\x07a", True),  # APPEND
        (b")R", True),
        (b")\x81", True),
    ],
)
def test_tensor_is_out_of_reach_of_opcodes(opcodes: bytes, error: bool, tmp_path: Path) -> None:
    path = with_storage(tensor_call(0, (4,), (1,))[:-1] + opcodes + b".", tmp_path / "file.pth")
    if error:
        with pytest.raises(UnpickleError, match="damaged"):
            read_torch_file(path)
    else:
        tensor = read_torch_file(path)
        assert torch.equal(tensor, torch.zeros(4)) and not tensor.__dict__


@pytest.mark.parametrize("opcodes", [b"}X\x05\0\0\0itemsNsb", b"N}X\x05\0\0\0itemsNs\x86b"])
def test_ordered_dict_keeps_its_methods(opcodes: bytes, tmp_path: Path) -> None:
    data = b"\x80\x02ccollections\nOrderedDict\n)R" + opcodes + b"K\x01K\x02s."
    assert list(read_torch_file(in_zip(data, tmp_path / "file.pth")).items()) == [(1, 2)]


@pytest.mark.parametrize("name", [b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ca\nb\n"])
@pytest.mark.parametrize("opcodes", [b"}X\x01\0\0\0aNsb", b"NNs", b"Na", b"(N\x90"])
def test_class_of_a_pickle_cannot_be_changed(name: bytes, opcodes: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnpickleError, match="damaged"):
        read_torch_file(in_zip(b"\x80\x02" + name + opcodes + b".", tmp_path / "file.pth"))


def test_tensors_are_shown_wherever_they_are(tmp_path: Path) -> None:
    """Results of constructors replace their placeholders in tuples, dicts, lists and records, at any depth."""
    tensor, path = torch.arange(3), tmp_path / "file.pth"
    namespace = argparse.Namespace(a=(tensor, [tensor]))
    torch.save({"a": (1, (tensor, {"b": [tensor]})), "c": namespace}, path)
    loaded = read_torch_file(path)
    inner = loaded["c"].fields["a"]
    for shown in (loaded["a"][1][0], loaded["a"][1][1]["b"][0], inner[0], inner[1][0]):
        assert torch.equal(shown, tensor)


def test_latin_1_bytes_are_read_and_other_codecs_refused(tmp_path: Path) -> None:
    assert read_torch_file(in_zip(pickle.dumps([b"\xff\0a"], 2), tmp_path / "file.pth")) == [b"\xff\0a"]
    data = b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R."
    with pytest.raises(UnpickleError, match="rot13"):
        read_torch_file(in_zip(data, tmp_path / "file.pth"))


def honest() -> dict[str, Any]:
    base = torch.arange(24, dtype=torch.float32).view(4, 6)
    kinds = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    return {
        "base": base,
        "view": base[1:3, ::2],
        "turned": base.T,
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "flag": torch.tensor([True, False]),
        **{str(kind): torch.tensor([1, 2, 3]).to(kind) for kind in kinds},
        "ordered": OrderedDict([("a", 1), ("b", (None, True, 2.5, "x", b"\xff"))]),
        "many": list(range(3000)),
        "set": {1, 2},
    }


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_honest_file_is_read_as_torch_load_does(zipped: bool, protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    torch.save(honest(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    expected, loaded = torch.load(path, weights_only=False), read_torch_file(path)
    assert loaded.keys() == expected.keys()
    for key, value in expected.items():
        if isinstance(value, torch.Tensor):
            assert loaded[key].dtype == value.dtype and torch.equal(loaded[key], value), key
        elif key != "set":
            assert loaded[key] == value, key
    numbers = loaded["set"].args[0] if isinstance(loaded["set"], RecordedObject) else loaded["set"]
    assert set(numbers) == {1, 2}
    loaded["base"][1, 0] = -1
    assert loaded["view"][0, 0] == -1, "Tensors of one storage share it."


def test_numpy_values_convert_to_builtin_types(tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    values = [np.float64(2.5), np.array([1, 2], np.int32), np.array(["melanoma", "nevus"]), np.array(["a", "b"], object)]
    torch.save(values, path)
    assert [to_builtin(value) for value in read_torch_file(path)] == [2.5, [1, 2], ["melanoma", "nevus"], ["a", "b"]]


def test_class_of_an_object_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    torch.save(torch.nn.Linear(2, 3), path)
    module = read_torch_file(path)
    assert isinstance(module, RecordedObject)
    assert (module.module, module.name) == ("torch.nn.modules.linear", "Linear")
    assert module.fields["in_features"] == 2 and module.fields["_parameters"]["weight"].shape == (3, 2)


def test_torchscript_program_is_refused_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file.pt", "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02N.")
        archive.writestr("net/constants.pkl", b"\x80\x02).")
    with pytest.raises(UnpickleError, match="TorchScript"):
        read_torch_file(tmp_path / "file.pt")


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff\xe0 an image", pickle.dumps({"a": 1}), b"PK\3\4", struct.pack("<q", 1)]
)
def test_other_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(UnpickleError):
        read_torch_file(tmp_path / "file")


def damaged(original: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes with three of them changed, and truncated in three of ten cases."""
    data = bytearray(original[: rng.integers(1, len(original))] if rng.random() < 0.3 else original)
    for place in rng.integers(0, len(data), 3):
        data[place] = rng.integers(256)
    return bytes(data)


@pytest.mark.parametrize("name", ["v1-resnet.pkl", "v2-densenet.pkl"])
def test_damaged_pickle_raises_only_checkpoint_errors(name: str, tmp_path: Path) -> None:
    original, path = (RECORDED / name).read_bytes(), tmp_path / "file.pkl"
    rng, errors = np.random.default_rng(0), 0
    for _ in range(30):
        if name.startswith("v1"):
            path.write_bytes(damaged(original[:30_000], rng) + original[30_000:])
        else:
            with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(path, "w") as target:
                for entry in source.namelist():
                    data = source.read(entry)
                    target.writestr(entry, damaged(data, rng) if entry.endswith("data.pkl") else data)
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            assert str(path) in str(error)
            errors += 1
    assert errors > 10
