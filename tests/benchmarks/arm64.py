"""Decisions of the shipped model on an emulated ARM processor, beside tests/golden.json: `python -m tests.benchmarks.arm64`.

As root, with debootstrap and qemu-aarch64 (Debian: debootstrap, qemu-user). Debian's Python 3.13 for arm64 runs the wheels
that lambda/requirements.txt locks. /sys/devices/system/cpu is hidden, as on Lambda. Returns 1 if a decision differs. An
emulator says nothing about speed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.packaging.buildah import debian_mirror
from tests.support.paths import REPOSITORY

FOLDER = REPOSITORY / "build" / "arm64"
PROCESSOR = "neoverse-n1"
"""That of the first Graviton processors on Lambda."""
PYTHON = "3.13"
PACKAGES = ("lib*", "python3*", "zlib1g*")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
_RUN = (
    "mount -t tmpfs none /sys/devices/system/cpu && "
    'exec qemu-aarch64 -cpu {processor} -L {root} {root}/usr/bin/python{python} -c "$CODE"'
)
_CODE = """
import json, sys
sys.path[:0] = {paths!r}
from lesion.imaging.decode import decode
from lesion.inference.model import Model
from lesion.settings import Settings
model = Model(Settings.model, threads=1)
for path in sorted(Settings.samples.glob("*.jpg")):
    out = model.run(decode(path.read_bytes(), at_least=2 * model.card.input_size).pixels)
    print(json.dumps([path.stem, float(out.logit), float(out.probability)]), flush=True)
"""


def prepare(folder: Path) -> tuple[Path, Path]:
    """Return the root of an arm64 Debian with Python, and the folder of the function's packages."""
    root, packages = folder / "root", folder / "packages"
    if not (root / "usr/bin" / f"python{PYTHON}").exists():
        include = ["--foreign", "--arch=arm64", "--variant=minbase", "--include=python3,ca-certificates"]
        subprocess.run(
            ["debootstrap", *include, "trixie", str(root), debian_mirror()], check=True, stdout=subprocess.DEVNULL
        )
        # The second stage would run maintainer scripts; unpacking is enough for an interpreter.
        for pattern in PACKAGES:
            for archive in sorted((root / "var/cache/apt/archives").glob(f"{pattern}.deb")):
                subprocess.run(["dpkg-deb", "--extract", str(archive), str(root)], check=True)
    if not packages.exists():
        chosen = [f"--platform={platform}" for platform in PLATFORMS]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        pip += ["--no-compile", f"--python-version={PYTHON}", *chosen, f"--target={packages}"]
        subprocess.run([*pip, "-r", str(REPOSITORY / "lambda" / "requirements.txt")], check=True)
    return root, packages


def observed(root: Path, packages: Path) -> dict[str, tuple[float, float]]:
    """Return logit and probability of each sample with one view, on the emulated processor."""
    code = _CODE.format(paths=[str(packages), str(REPOSITORY / "lambda")])
    command = _RUN.format(processor=PROCESSOR, root=root, python=PYTHON)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command],
        env={"PATH": os.environ["PATH"], "CODE": code, "ORT_DISABLE_TELEMETRY": "1", "HOME": str(FOLDER)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {name: (logit, probability) for name, logit, probability in map(json.loads, done.stdout.splitlines())}


def main() -> int:
    """Compare. Return 1 if a decision differs."""
    from lesion.inference.model import Model
    from lesion.settings import Settings

    golden: dict[str, Any] = json.loads((REPOSITORY / "tests" / "golden.json").read_text())["images"]
    card = Model(Settings.model).card
    points = [point for by_views in card.operating_points.values() for key, point in by_views.items() if int(key) == 1]
    found = observed(*prepare(FOLDER))
    logits, probabilities = (
        [abs(found[name][place] - golden[name]["one_view"][key]) for name in golden]
        for place, key in enumerate(("logit", "probability"))
    )
    others = [
        name
        for name in golden
        for point in points
        if (found[name][1] >= point.threshold) != (golden[name]["one_view"]["probability"] >= point.threshold)
    ]
    print(
        f"{len(golden)} images, {len(others)} other decisions, largest difference of the logit {max(logits):.4f}, "
        f"of the probability {max(probabilities):.4f}"
    )
    return int(bool(others))


if __name__ == "__main__":
    sys.exit(main())
