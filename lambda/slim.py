"""Makes a folder of installed packages into what the image holds; used while the image is built, and not part of it.

    python3 slim.py FOLDER TARGET [UNNEEDED ...]

Takes away what serving never opens, compiles the rest, and fixes permissions and times, so that the same input gives the
same bytes. A module rather than a few shell commands, because the base image does not come with `find`.
"""

import compileall
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from py_compile import PycInvalidationMode

UNNEEDED = (
    "bin",
    # Pydantic's copy of its first version: FastAPI loads it at every start where it is there.
    "pydantic/v1",
    # Tools for making models, and the packages that only they need.
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "flatbuffers",
    "google",
    # For building against NumPy.
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "numpy/random/lib",
)
"""Paths in the folder, where none are named on the command line.
Licences are not among them: they are in each package's dist-info, which stays."""
SUFFIXES = (".a", ".h", ".pxd", ".pyi", ".pyx")
"""Files that only a compiler or a type checker reads."""


def prune(folder: Path, unneeded: Sequence[str] = UNNEEDED) -> None:
    """Take away `unneeded`, tests, and files with one of `SUFFIXES`.

    Raises:
        SystemExit: something in `unneeded` is not there, so the list no longer fits the packages.
    """
    for name in unneeded:
        if not (folder / name).is_dir():
            raise SystemExit(
                f"{name} is not among the installed packages. Take it off the list in lambda/slim.py or lambda/Dockerfile."
            )
        shutil.rmtree(folder / name)
    for path in sorted(folder.rglob("*")):
        if path.name == "tests" and path.is_dir():
            shutil.rmtree(path)
        elif path.suffix in SUFFIXES and path.is_file():
            path.unlink()


def compile_all(folder: Path, target: Path) -> None:
    """Byte code for every module, as it will lie under `target`; never checked against its source again.

    Raises:
        SystemExit: a module does not compile.
    """
    if not compileall.compile_dir(
        folder, quiet=1, stripdir=folder, prependdir=target, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    ):
        raise SystemExit("A module does not compile; it is named above. Check it against the base image's Python.")


def settle(folder: Path) -> None:
    """Readable for everybody, writable for nobody but the owner, and all of one time."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (0, 0))


def main() -> None:
    """Do all of it to the folder on the command line."""
    folder, target = map(Path, sys.argv[1:3])
    prune(folder, sys.argv[3:] or UNNEEDED)
    compile_all(folder, target)
    settle(folder)


if __name__ == "__main__":
    main()
