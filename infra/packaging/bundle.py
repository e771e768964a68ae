"""Build of the published site: the page's files, the files of packages that it loads, and the downloads of private mode.

`PYTHONPATH=lambda python -m infra.packaging.bundle` builds it in `build/site`. `infra.dev.serve` and the CDK application
call the same function, so that the local server, the deployment and its emulation publish the same files.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lesion.imaging.decode import MAX_PIXELS
from lesion.inference.card_schema import describe_model
from lesion.inference.messages import DISCLAIMER, refusal_message
from lesion.inference.model import Model
from lesion.settings import Settings

from infra.packaging.page import STYLES, PageError, complete, complete_manifest, join_styles

REPOSITORY = Path(__file__).parents[2]
SITE = REPOSITORY / "infra" / "site"
"""The page's own files."""
PACKAGES = REPOSITORY / "infra" / "vendor" / "node_modules"
"""The packages that npm installs from infra/vendor/package-lock.json."""
BUILT = REPOSITORY / "build" / "site"

VENDOR = (
    "chart.js/dist/chart.umd.min.js",
    "cropperjs/dist/cropper.esm.min.js",
    "i18next/dist/esm/i18next.js",
    "idb/build/index.js",
    "papaparse/papaparse.min.js",
    "workbox-core/build/workbox-core.prod.js",
    "workbox-precaching/build/workbox-precaching.prod.js",
    "workbox-routing/build/workbox-routing.prod.js",
    "workbox-strategies/build/workbox-strategies.prod.js",
)
"""Files of packages that the page loads, published under /vendor/ with their path in the package; infra/tsconfig.json maps
the addresses to their types. The files of private mode are separate, see `_private_downloads`."""
_RUNTIME = "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"
_ENGINE = "onnxruntime-web/dist/ort.wasm.bundle.min.mjs"
_HEIC = "libheif-js/libheif-wasm/libheif-bundle.mjs"

_PAGE = "index.html"
_APP = "manifest.json"
VIEWS = ("/about", "/diary")
"""Addresses besides `/` that are views of `index.html`, as in js/app/navigation.js."""
MISSING = "404.html"
"""Answer to an address without a page."""
_WORKER = "sw.js"
_MANIFEST = b"self.__WB_MANIFEST"
"""Placeholder of the precache list, the same as in the tools of Workbox."""
_DOWNLOADS = "private/parts.json"
_SAMPLES = "samples/samples.json"
_NOT_PRECACHED = ("private/", "vendor/workbox-", "vendor/licences.txt", _WORKER, MISSING)
"""Prefixes of the files that the service worker does not precache."""

TYPES = {
    ".css": "text/css",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webp": "image/webp",
}
"""Media type of each file by its suffix. Because of `nosniff`, browsers do not correct a wrong type."""

CACHE_CONTROL = "no-cache"
"""Of every file: browsers revalidate it by its ETag before each use, because names contain no hashes and modules of
different versions do not work together."""


class BundleError(Exception):
    """The site cannot be built; the message says what to do."""


def assemble(model: Path = Settings.model, built: Path = BUILT) -> Path:
    """Build the site in `built`: write the files that differ, and remove files that no longer belong to the site.

    Args:
        model: the model file that private mode downloads.
        built: a folder that contains nothing else.

    Returns:
        `built`.

    Raises:
        BundleError: a package is not installed, a file has no known type, or index.html names a text that does not exist.
        ModelFileError: from `lesion.inference.model`.
    """
    published = dict(_site_files(model, built))
    unknown = sorted(name for name in published if Path(name).suffix not in TYPES)
    if unknown:
        raise BundleError(f"{', '.join(unknown)}: infra/packaging/bundle.py does not say of which type this is.")
    try:
        published[_PAGE] = complete(published[_PAGE].decode(), published).encode()
    except PageError as error:
        raise BundleError(str(error)) from error
    styles, joined = join_styles(published)
    published = {name: content for name, content in published.items() if name not in joined} | {STYLES: styles.encode()}
    published[_APP] = complete_manifest(published[_APP].decode(), published).encode()
    published[_WORKER] = published[_WORKER].replace(_MANIFEST, json.dumps(_precache_list(published), indent=2).encode())
    for name, content in published.items():
        _write(built / name, content, spare=built.with_name(f"{built.name}.{os.getpid()}"))
    for path in sorted(built.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(built).as_posix() not in published:
            path.unlink(missing_ok=True)
    return built


def _site_files(model: Path, built: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every published file, before the page and the service worker are completed."""
    for path in sorted(SITE.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            yield path.relative_to(SITE).as_posix(), path.read_bytes()
    for name in VENDOR:
        yield f"vendor/{name}", _package_file(name)
    yield "vendor/licences.txt", "\n".join(_licences()).encode()
    yield from _private_downloads(model, built)


def _precache_list(published: Mapping[str, bytes]) -> list[dict[str, str]]:
    """Return the precache list of the service worker: URL and revision of each file.

    A changed list changes the service worker, which a browser then installs.
    """
    photos = {path.relative_to(SITE).as_posix() for path in _sample_photos()}
    names = [name for name in published if not name.startswith(_NOT_PRECACHED) and name not in photos]
    return [{"url": f"/{name}", "revision": _revision(published[name])} for name in sorted([*names, _DOWNLOADS])]


def _sample_photos() -> list[Path]:
    """Return the full-size sample photos, which the service worker caches when they are opened, not before."""
    return sorted((SITE / "samples").glob("*.jpg"))


def _private_downloads(model: Path, built: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the downloads of private mode, and their list with the compressed sizes in bytes.

    The larger files are compressed here and decompressed by the page, because CloudFront compresses no file above 10 MB. So
    the progress counts transferred bytes, and a smartphone stores the compressed form. Each name contains the hash of the
    content, so a stored file never changes.
    """
    decision = json.dumps(classification_data(model), ensure_ascii=False, separators=(",", ":")).encode()
    packed = {
        "model": ("lesion.onnx", model.read_bytes()),
        "decision": ("decision.json", decision),
        "runtime": ("runtime.wasm", _package_file(_RUNTIME)),
    }
    # Modules are imported by the browser, so the page cannot decompress them.
    plain = {"engine": ("engine.mjs", _package_file(_ENGINE)), "heic": ("heic.mjs", _package_file(_HEIC))}
    listed = {}
    for part, (name, content) in (packed | plain).items():
        stem, suffix = name.split(".")
        place = f"private/{stem}-{_revision(content)}.{suffix}"
        small = _compressed(content, built / f"{place}.gz")
        if part in packed:
            place, content = f"{place}.gz", small
        listed[part] = {"url": f"/{place}", "bytes": len(small)}
        yield place, content
    # Private mode keeps the sample photos too, which are files of the page.
    listed["samples"] = {"url": f"/{_SAMPLES}", "bytes": sum(path.stat().st_size for path in _sample_photos())}
    yield _DOWNLOADS, json.dumps(listed, indent=2).encode()


def _compressed(content: bytes, kept: Path) -> bytes:
    """Return `content` compressed, read from `kept` where that exists: its name contains the hash of the content."""
    # Without a modification time, so that the same content gives the same file.
    return kept.read_bytes() if kept.is_file() else gzip.compress(content, 9, mtime=0)


def _revision(content: bytes) -> str:
    """Return the beginning of the SHA-256 of a content, 12 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:12]


def classification_data(path: Path) -> dict[str, Any]:
    """Return the metadata that private mode needs to turn the graph's outputs into a response.

    ONNX Runtime for the web does not expose the metadata of a model file.

    Args:
        path: the model file.
    """
    model = Model(path)
    points = [point for by_views in model.card.operating_points.values() for point in by_views.values()]
    return {
        "card": describe_model(model),
        "bias": model.card.bias,
        "messages": {rule.code: refusal_message(rule.code) for point in points for rule in point.refusal},
        "disclaimer": DISCLAIMER,
        "max_pixels": MAX_PIXELS,
    }


def _licences() -> Iterator[str]:
    """Yield the name, version and licence of every package with published files."""
    for name in sorted({name.split("/")[0] for name in (*VENDOR, _ENGINE, _HEIC)}):
        folder = PACKAGES / name
        package = json.loads((folder / "package.json").read_text())
        yield f"{package['name']} {package['version']}: {package['license']}\n"
        # The last one is the closest to the published files: a package may contain files under another licence.
        texts = sorted(folder.glob("LICENSE*")) + sorted(folder.glob("*-wasm/LICENSE*"))
        yield from (f"{text.read_text()}\n" for text in texts[-1:])


def _package_file(name: str) -> bytes:
    """Return the content of a file of an installed package.

    Raises:
        BundleError: the package is not installed.
    """
    try:
        return (PACKAGES / name).read_bytes()
    except OSError as error:
        raise BundleError(f"{PACKAGES / name} is missing. `make packages` installs it.") from error


def _write(path: Path, content: bytes, spare: Path) -> None:
    """Write a file atomically through `spare`, and only if it differs, because several processes may build at once."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    spare.write_bytes(content)
    spare.replace(path)


if __name__ == "__main__":
    print(assemble())
