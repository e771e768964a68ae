"""Build the function's image: `python -m infra.packaging.image`. Only the standard library.

With a Docker engine, the base is Lambda's image. Without one, buildah uses a base that debootstrap creates: a Debian with
the same minor version of Python. Both run the same lambda/Dockerfile in the same context.

The result is build/image/lesion.tar with uncompressed layers. The base and finished build steps are cached in
build/image/storage.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.packaging.base_image import BaseImage
from infra.packaging.buildah import BUILD, REPOSITORY, ImageError, build_with_buildah, run

DOCKERFILE = "lambda/Dockerfile"
"""Relative to the context, which is the repository's root; .dockerignore there lists what enters the image."""
ARCHIVE = BUILD / "lesion.tar"
TAG = "localhost/lesion:dev"
TARGET = "service"
"""Stage of the Dockerfile, named because an older buildah ignores the default and builds every stage."""
LAYERS = ("packages", "code", "model")
"""Last layers of the image, in their order."""
LAMBDA_BASE = BaseImage.read().reference
MAX_MEGABYTES = 130
"""Largest compressed size that the image may add to its base."""


@dataclass(frozen=True)
class Report:
    """Size of a built image above its base.

    Attributes:
        digests: SHA-256 of the uncompressed layers of packages, code and model; equal for an equal tree and base.
        compressed: gzip-compressed bytes of all layers above the base.
    """

    digests: tuple[str, ...]
    compressed: int


def main() -> int:
    """Build and save the image, and print its size. Return 1, with a sentence on stderr, if that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m infra.packaging.image", description="Build the function's image.")
    parser.add_argument("--no-cache", action="store_true", help="run every step again, except the base")
    cached = not parser.parse_args().no_cache
    try:
        report = build(cached=cached)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{ARCHIVE.relative_to(REPOSITORY)}: {TAG}")
    for name, digest in zip(LAYERS, report.digests, strict=True):
        print(f"layer of the {name}: {digest}")
    print(f"compressed: {report.compressed / 1e6:.1f} MB above the base")
    if report.compressed > MAX_MEGABYTES * 1e6:
        print(f"That is more than {MAX_MEGABYTES} MB. Remove more in lambda/slim.py.", file=sys.stderr)
        return 1
    return 0


def build(
    context: Path = REPOSITORY, archive: Path = ARCHIVE, *, tag: str = TAG, target: str = TARGET, cached: bool = True
) -> Report:
    """Build the image of a working tree and return its size.

    Args:
        context: root of the tree.
        archive: output file.
        tag: name of the image.
        target: stage of the Dockerfile.
        cached: whether unchanged steps of earlier builds are reused.

    Raises:
        ImageError: tools are missing, or one of them failed.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    with _secrets() as secrets:
        arguments = [*secrets, *([] if cached else ["--no-cache"]), "--file", str(context / DOCKERFILE), "--tag", tag]
        arguments += ["--target", target]
        base_layers = (_build_with_docker if has_docker() else build_with_buildah)(context, archive, tag, arguments)
    return _report(archive, base_layers)


def context_files() -> list[Path]:
    """Return every file that .dockerignore admits to the context, and .dockerignore itself, relative to the repository."""
    allowed = [Path(".dockerignore")]
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            path = REPOSITORY / line[1:]
            allowed += [file.relative_to(REPOSITORY) for file in ([path] if path.is_file() else path.rglob("*"))]
    return [path for path in allowed if (REPOSITORY / path).is_file() and path.suffix != ".pyc"]


def has_docker() -> bool:
    """Return whether a Docker engine answers; the command alone may exist without one."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def _build_with_docker(context: Path, archive: Path, tag: str, arguments: list[str]) -> int:
    run(["docker", "pull", "--quiet", LAMBDA_BASE])
    run(
        [
            "docker",
            "build",
            *arguments,
            "--build-arg",
            f"BASE_IMAGE={LAMBDA_BASE}",
            "--platform",
            "linux/amd64",
            "--provenance=false",
            str(context),
        ],
        {"DOCKER_BUILDKIT": "1", "SOURCE_DATE_EPOCH": "0"},
    )
    run(["docker", "save", "--output", str(archive), tag])
    return len(json.loads(run(["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", LAMBDA_BASE])))


@contextmanager
def _secrets() -> Iterator[list[str]]:
    """Yield build arguments with which pip uses this machine's package index inside the build."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"
        lines = ["[global]", *_index()]
        secrets = []
        if Path(certificates).is_file():
            lines.append("cert = /run/secrets/certificates")
            secrets = ["--secret", f"id=certificates,src={certificates}"]
        configuration = Path(folder) / "pip.conf"
        configuration.write_text("\n".join(lines) + "\n")
        yield ["--secret", f"id=pip,src={configuration}", *secrets]


def _index() -> list[str]:
    """Return the index settings of this machine's pip, without local folders, which the build cannot see."""
    kept = {}
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    # Debian's Python may lack pip, which would list these variables too.
    variables = [
        f"{name[4:].lower().replace('_', '-')}={value}" for name, value in os.environ.items() if name.startswith("PIP_")
    ]
    for line in (*listed.stdout.splitlines(), *variables):
        name, _, value = line.partition("=")
        key = name.rsplit(".", 1)[-1]
        places = " ".join(place for place in value.strip("'\"").split() if not place.startswith(("file:", "/")))
        if key in ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout") and places:
            kept[key] = places
    return [f"{key} = {value}" for key, value in kept.items()]


def _report(archive: Path, base_layers: int) -> Report:
    with tarfile.open(archive) as tar:
        names = json.load(_member(tar, "manifest.json"))[0]["Layers"]
        layers = [_measure(tar, name) for name in names[base_layers:]]
    return Report(tuple(digest for digest, _ in layers[-len(LAYERS) :]), sum(size for _, size in layers))


def _measure(tar: tarfile.TarFile, name: str) -> tuple[str, int]:
    """Return the digest of the uncompressed layer and its compressed size; an archive may contain either form."""
    layer = _member(tar, name)
    packed = layer.read(2) == b"\x1f\x8b"
    layer.seek(0)
    digest, size = hashlib.sha256(), 0
    unpack, pack = zlib.decompressobj(wbits=31), zlib.compressobj(wbits=31)
    while block := layer.read(1 << 20):
        digest.update(unpack.decompress(block) if packed else block)
        size += len(block if packed else pack.compress(block))
    return f"sha256:{digest.hexdigest()}", size + (0 if packed else len(pack.flush()))


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise ImageError(f"The saved image has no {name}. Build it again with --no-cache.")
    return file


if __name__ == "__main__":
    sys.exit(main())
