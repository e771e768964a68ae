"""Builds the function's image: `python -m infra.packaging.image`. Only the standard library.

With Docker, on Lambda's base image, where a Docker engine answers. Otherwise with buildah, on a base that debootstrap
makes: a Debian with the same minor version of Python. Both run the same lambda/Dockerfile, in the same context.

The result lies in build/image/lesion.tar, with every layer as it is; the base and finished build steps are kept in
build/image/storage, so that a second run is quick.
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

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = "lambda/Dockerfile"
"""In the context, which is the repository's root; .dockerignore there says what of it enters the image."""
BUILD = REPOSITORY / "build" / "image"
ARCHIVE = BUILD / "lesion.tar"
TAG = "localhost/lesion:dev"
TARGET = "service"
"""Stage of the Dockerfile. An older buildah builds every stage up to it, so it is named though it is the default."""
LAMBDA_BASE = "public.ecr.aws/lambda/python:3.13"
DEBIAN_BASE = "localhost/lesion-base:trixie-2"
"""The number goes up when `_make_base` changes, so that an older base is not taken for the present one."""
TOOLS = {"buildah": "buildah", "debootstrap": "debootstrap", "runc": "runc"}
"""Commands that building and running without Docker need, and Debian's packages that have them."""
MOST_MEGABYTES = 130
"""What the image may add to its base, compressed."""


class ImageError(Exception):
    """Raised when the image cannot be built here; the message says what to do."""


@dataclass(frozen=True)
class Report:
    """What a built image adds to its base.

    Attributes:
        digest: of the application's layer, which is the last one, uncompressed: the same for the same tree and base.
        compressed: bytes of all layers above the base, each through gzip, as a registry keeps them.
    """

    digest: str
    compressed: int


def main() -> int:
    """Build, save, and say how large it is; 1 with one sentence where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m infra.packaging.image", description="Builds the function's image.")
    parser.add_argument("--no-cache", action="store_true", help="run every step anew, but for the base")
    cached = not parser.parse_args().no_cache
    try:
        report = build(cached=cached)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{ARCHIVE.relative_to(REPOSITORY)}: {TAG}")
    print(f"application layer: {report.digest}")
    print(f"compressed: {report.compressed / 1e6:.1f} MB above the base")
    if report.compressed > MOST_MEGABYTES * 1e6:
        print(f"That is more than {MOST_MEGABYTES} MB. See in lambda/slim.py what else can go.", file=sys.stderr)
        return 1
    return 0


def build(
    context: Path = REPOSITORY, archive: Path = ARCHIVE, *, tag: str = TAG, target: str = TARGET, cached: bool = True
) -> Report:
    """Build the image of a tree.

    Args:
        context: the tree.
        archive: where to save it.
        tag: its name.
        target: stage of the Dockerfile.
        cached: whether steps of earlier builds, whose input is the same, are taken over.

    Raises:
        ImageError: tools are missing, or one of them failed.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    with _secrets() as secrets:
        arguments = [*secrets, *([] if cached else ["--no-cache"]), "--file", str(context / DOCKERFILE), "--tag", tag]
        arguments += ["--target", target]
        base_layers = (_build_with_docker if has_docker() else _build_with_buildah)(context, archive, tag, arguments)
    return _report(archive, base_layers)


def context_files() -> list[Path]:
    """Every file that .dockerignore lets into the context, and .dockerignore, relative to the repository."""
    allowed = [Path(".dockerignore")]
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            path = REPOSITORY / line[1:]
            allowed += [file.relative_to(REPOSITORY) for file in ([path] if path.is_file() else path.rglob("*"))]
    return [path for path in allowed if (REPOSITORY / path).is_file() and path.suffix != ".pyc"]


def has_docker() -> bool:
    """Whether a Docker engine answers; the command alone may be there without one."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def buildah(*arguments: str) -> str:
    """Run buildah on the project's own storage, and return what it prints.

    Raises:
        ImageError: buildah is missing or failed.
    """
    own = ["--root", str(BUILD / "storage"), "--runroot", str(BUILD / "run"), "--storage-driver", "overlay"]
    return _run(["buildah", *own, *arguments]).strip()


def ensure_tools() -> None:
    """Install what building and running without Docker need, where it is not there.

    Raises:
        ImageError: that is not possible.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    missing = [package for command, package in TOOLS.items() if shutil.which(command, path=path) is None]
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    install = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends"]
    try:
        _run([*root, "apt-get", "update", "-q"])
        _run([*install, *missing])
    except ImageError as error:
        raise ImageError(
            f"{', '.join(missing)} cannot be installed here. Start a Docker engine, or install these packages yourself."
        ) from error


def _build_with_docker(context: Path, archive: Path, tag: str, arguments: list[str]) -> int:
    _run(["docker", "pull", "--quiet", LAMBDA_BASE])
    _run(
        ["docker", "build", *arguments, "--platform", "linux/amd64", "--provenance=false", str(context)],
        {"DOCKER_BUILDKIT": "1", "SOURCE_DATE_EPOCH": "0"},
    )
    _run(["docker", "save", "--output", str(archive), tag])
    return len(json.loads(_run(["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", LAMBDA_BASE])))


def _build_with_buildah(context: Path, archive: Path, tag: str, arguments: list[str]) -> int:
    if os.geteuid() != 0:
        raise ImageError("Building without Docker needs root. Start a Docker engine, or run this as root.")
    ensure_tools()
    if not buildah("images", "--quiet", "--filter", f"reference={DEBIAN_BASE}"):
        _make_base()
    # The time of every file in a layer, and of the image itself.
    fixed = ["--timestamp", "0", "--layers", "--pull-never", "--isolation", "chroot"]
    buildah("bud", *fixed, *arguments, "--build-arg", f"BASE_IMAGE={DEBIAN_BASE}", str(context))
    buildah("push", "--quiet", tag, f"docker-archive:{archive}:{tag}")
    return len(json.loads(buildah("inspect", "--type", "image", DEBIAN_BASE))["OCIv1"]["rootfs"]["diff_ids"])


def _make_base() -> None:
    """A Debian with Python 3.13 and pip, as the stand-in for Lambda's base."""
    container = buildah("from", "scratch")
    try:
        root = Path(buildah("mount", container))
        include = "--include=python3,python3-pip,ca-certificates"
        _run(["debootstrap", "--variant=minbase", include, "trixie", str(root), _mirror()])
        for junk in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/cache/apt/*.bin")):
            junk.unlink()
        shutil.rmtree(root / "var/lib/apt/lists")
        (root / "var/task").mkdir()
        buildah("config", "--env", "LAMBDA_TASK_ROOT=/var/task", "--env", "PATH=/usr/bin:/bin", container)
        buildah("commit", "--quiet", container, DEBIAN_BASE)
    finally:
        buildah("rm", container)


def _mirror() -> str:
    """Where this machine has its own packages from: its sources name a mirror that it can reach."""
    sources = _run(["apt-get", "indextargets", "--format", "$(SITE) $(LABEL) $(COMPONENT)", "Created-By: Packages"])
    for line in sources.splitlines():
        site, _, rest = line.partition(" ")
        if rest == "Debian main":
            return site
    raise ImageError("No Debian mirror is among this machine's package sources. Add one, or start a Docker engine.")


@contextmanager
def _secrets() -> Iterator[list[str]]:
    """Arguments that let pip, while the image is built, reach the package index as it does on this machine."""
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
    """The settings of this machine's pip that say where packages are, but for folders, which a build cannot see."""
    kept = {}
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    # Debian's Python may come without pip, which would list these too.
    told = [f"{name[4:].lower().replace('_', '-')}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]
    for line in (*listed.stdout.splitlines(), *told):
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
    return Report(layers[-1][0], sum(size for _, size in layers))


def _measure(tar: tarfile.TarFile, name: str) -> tuple[str, int]:
    """Digest of a layer as it is uncompressed, and its size compressed; an archive may have it in either form."""
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


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a command, with what it says shown where it fails, and return what it prints."""
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    try:
        done = subprocess.run(
            command, env={**os.environ, "PATH": path, **(environment or {})}, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise ImageError(f"{command[0]} is not installed. Install it, or start a Docker engine.") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise ImageError(f"{said[-4000:]}\n`{' '.join(command[:12])} …` failed; what it said stands above.")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
