"""Prepare a folder of installed packages for the image; runs while the image is built and is not part of it.

    python3 slim.py FOLDER TARGET [none | UNNEEDED ...]

Removes what serving never opens, compiles the rest, and fixes permissions and times, so that the same input results in the
same bytes. A module rather than a few shell commands, because the base image has no `find`.
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
    # Pydantic's copy of its first version, which FastAPI imports at every start if it is there.
    "pydantic/v1",
    # Tools for creating models, and the packages that only they need.
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "flatbuffers",
    "google",
    # For compiling extensions against NumPy.
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "numpy/random/lib",
)
"""Paths in the folder to remove, unless the command line names others.
Licences are not among them: they are in each package's dist-info, which stays."""
SUFFIXES = (".a", ".h", ".pxd", ".pyi", ".pyx")
"""Files that only a compiler or a type checker reads."""


def prune(folder: Path, unneeded: Sequence[str] = UNNEEDED) -> None:
    """Remove the unneeded folders, tests, and files with one of `SUFFIXES`.

    Args:
        folder: of the installed packages, changed in place.
        unneeded: paths in the folder.

    Raises:
        SystemExit: one of `unneeded` does not exist, so the list no longer matches the packages.
    """
    for name in unneeded:
        if not (folder / name).is_dir():
            raise SystemExit(
                f"{name} is not an installed package. Remove it from the list in lambda/slim.py or lambda/Dockerfile."
            )
        shutil.rmtree(folder / name)
    for path in sorted(folder.rglob("*")):
        if path.name == "tests" and path.is_dir():
            shutil.rmtree(path)
        elif path.suffix in SUFFIXES and path.is_file():
            path.unlink()


def compile_all(folder: Path, target: Path) -> None:
    """Compile every module to byte code that is never checked against its source.

    Args:
        folder: of the installed packages, changed in place.
        target: path of the folder in the image, for tracebacks.

    Raises:
        SystemExit: a module does not compile.
    """
    if not compileall.compile_dir(
        folder, quiet=1, stripdir=folder, prependdir=target, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    ):
        raise SystemExit("A module does not compile; it is named above. Check it against the base image's Python.")


def normalise(folder: Path) -> None:
    """Make every file readable for all and writable for its owner only, and set all times to the epoch.

    Args:
        folder: changed in place.
    """
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (0, 0))


def main() -> None:
    """Prepare the folder on the command line.

    Raises:
        SystemExit: from `prune` and `compile_all`.
    """
    folder, target = map(Path, sys.argv[1:3])
    prune(folder, () if sys.argv[3:] == ["none"] else sys.argv[3:] or UNNEEDED)
    compile_all(folder, target)
    normalise(folder)


if __name__ == "__main__":
    main()
