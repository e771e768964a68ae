"""Build images without a Docker engine: buildah on a Debian base that debootstrap creates. Only the standard library."""

import json
import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BUILD = REPOSITORY / "build" / "image"
DEBIAN_BASE = "localhost/lesion-base:trixie-2"
"""Raise the number when `_make_base` changes, so that an older base is not reused."""
TOOLS = {"buildah": "buildah", "debootstrap": "debootstrap", "runc": "runc"}
"""Command -> Debian package, for building and running without Docker."""


class ImageError(Exception):
    """Raised when the image cannot be built here; the message says what to do."""


def buildah(*arguments: str) -> str:
    """Run buildah with a storage inside build/, and return its output.

    Raises:
        ImageError: buildah is missing or failed.
    """
    own = ["--root", str(BUILD / "storage"), "--runroot", str(BUILD / "run"), "--storage-driver", "overlay"]
    return run(["buildah", *own, *arguments]).strip()


def ensure_tools() -> None:
    """Install the missing packages of `TOOLS`.

    Raises:
        ImageError: the packages cannot be installed.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    missing = [package for command, package in TOOLS.items() if shutil.which(command, path=path) is None]
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    install = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends"]
    try:
        run([*root, "apt-get", "update", "-q"])
        run([*install, *missing])
    except ImageError as error:
        raise ImageError(
            f"{', '.join(missing)} cannot be installed here. Start a Docker engine, or install these packages yourself."
        ) from error


def build_with_buildah(context: Path, archive: Path, tag: str, arguments: list[str]) -> int:
    """Build an image, save it as a Docker archive, and return the number of layers of its base.

    Raises:
        ImageError: not root, tools are missing, or one of them failed.
    """
    if os.geteuid() != 0:
        raise ImageError("Building without Docker needs root. Start a Docker engine, or run this as root.")
    ensure_tools()
    if not buildah("images", "--quiet", "--filter", f"reference={DEBIAN_BASE}"):
        _make_base()
    # A fixed time for every file and the image itself: equal trees give equal layers.
    fixed = ["--timestamp", "0", "--layers", "--pull-never", "--isolation", "chroot"]
    buildah("bud", *fixed, *arguments, "--build-arg", f"BASE_IMAGE={DEBIAN_BASE}", str(context))
    buildah("push", "--quiet", tag, f"docker-archive:{archive}:{tag}")
    return len(json.loads(buildah("inspect", "--type", "image", DEBIAN_BASE))["OCIv1"]["rootfs"]["diff_ids"])


def _make_base() -> None:
    """Create a Debian image with Python 3.13 and pip that stands in for Lambda's base image."""
    container = buildah("from", "scratch")
    try:
        root = Path(buildah("mount", container))
        include = "--include=python3,python3-pip,ca-certificates"
        run(["debootstrap", "--variant=minbase", include, "trixie", str(root), debian_mirror()])
        for junk in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/cache/apt/*.bin")):
            junk.unlink()
        shutil.rmtree(root / "var/lib/apt/lists")
        (root / "var/task").mkdir()
        buildah("config", "--env", "LAMBDA_TASK_ROOT=/var/task", "--env", "PATH=/usr/bin:/bin", container)
        buildah("commit", "--quiet", container, DEBIAN_BASE)
    finally:
        buildah("rm", container)


def debian_mirror() -> str:
    """Return the Debian mirror in this machine's package sources.

    Raises:
        ImageError: there is none.
    """
    sources = run(["apt-get", "indextargets", "--format", "$(SITE) $(LABEL) $(COMPONENT)", "Created-By: Packages"])
    for line in sources.splitlines():
        site, _, rest = line.partition(" ")
        if rest == "Debian main":
            return site
    raise ImageError("No Debian mirror is among this machine's package sources. Add one, or start a Docker engine.")


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a command and return its output.

    Raises:
        ImageError: the command is missing or failed; the message contains its output.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    try:
        done = subprocess.run(
            command, env={**os.environ, "PATH": path, **(environment or {})}, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise ImageError(f"{command[0]} is not installed. Install it, or start a Docker engine.") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        raise ImageError(f"{output[-4000:]}\n`{' '.join(command[:12])} …` failed with the output above.")
    return done.stdout
