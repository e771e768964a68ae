"""The published site holds what the page needs, every file with its type, and is put together anew in no time."""

import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from lesion.inference.model import Model
from starlette.testclient import TestClient

from infra.packaging import bundle


@pytest.fixture(scope="module")
def site(stand_in_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.assemble(stand_in_file, tmp_path_factory.mktemp("built") / "site")


def unpacked(site: Path, part: str) -> bytes:
    """What private mode gets of a part, which must be as long as it was told."""
    listed = json.loads((site / "private" / "parts.json").read_text())[part]
    packed = (site / listed["url"].lstrip("/")).read_bytes()
    assert len(packed) == listed["bytes"]
    return gzip.decompress(packed)


def test_the_page_and_only_the_named_files_of_packages_are_published(site: Path) -> None:
    own = [path.relative_to(bundle.SITE) for path in bundle.SITE.rglob("*") if path.is_file() and path.suffix != ".md"]
    first = re.findall(r'@import "(.+?)";', (bundle.SITE / "style.css").read_text())
    assert all(
        (site / path).read_bytes() == (bundle.SITE / path).read_bytes()
        for path in own
        if path.name not in ("sw.js", "index.html", "manifest.json", "style.css") and path.as_posix() not in first
    )
    # The styles of the first view are one file.
    styles = (site / "style.css").read_text()
    assert len(first) > 5 and not any((site / name).exists() for name in first)
    assert "@import" not in styles and all((bundle.SITE / name).read_text().strip() in styles for name in first)
    vendor = {path.relative_to(site / "vendor").as_posix() for path in (site / "vendor").rglob("*") if path.is_file()}
    assert vendor == {*bundle.VENDOR, "licences.txt"}


def test_the_page_names_every_module_that_it_needs_at_first_and_no_other(site: Path) -> None:
    page = (site / "index.html").read_text()
    named = re.findall(r'<link rel="modulepreload" href="/(.+?)">', page)
    assert len(named) == len(set(named)) and page.index("modulepreload") < page.index("</head>")
    assert {"js/main.js", "js/i18n/translations.js", "vendor/i18next/dist/esm/i18next.js"} <= set(named)
    # Imports of several lines, too; and what is fetched when it is asked for is not fetched before.
    wanted = {"js/main.js"}
    for name in named:
        script = (site / name).read_text()
        for to in re.findall(r'^(?:import\b[^;(]*?|\} )from "(.+?)";', script, re.MULTILINE):
            place = site / to[1:] if to.startswith("/") else site / Path(name).parent / to
            wanted.add(place.resolve().relative_to(site.resolve()).as_posix())
    assert set(named) == wanted
    assert not {"js/about/model-figures.js", "js/about/charts.js", "js/photo/preview.js"} & wanted


def test_the_page_has_its_english_text(site: Path) -> None:
    """A reader without JavaScript sees the page, and nobody sees it change when the scripts run."""
    page = (site / "index.html").read_text()
    strings = json.loads((bundle.SITE / "strings" / "en.json").read_text())
    assert f'<title data-t="title">{strings["title"]}</title>' in page
    assert not re.search(r'<(?!select)[^<>]*\sdata-t="[^"]+"[^<>]*></', page)


def test_a_text_that_does_not_exist_is_one_sentence(
    stand_in_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bundle.SITE, tmp_path / "own")
    page = tmp_path / "own" / "index.html"
    page.write_text(page.read_text().replace('data-t="lede"', 'data-t="lead"'))
    monkeypatch.setattr(bundle, "SITE", tmp_path / "own")
    with pytest.raises(bundle.BundleError, match="'lead'"):
        bundle.assemble(stand_in_file, tmp_path / "site")


def test_every_package_is_named_with_its_licence(site: Path) -> None:
    text = (site / "vendor" / "licences.txt").read_text()
    named = {line.split()[0] for line in text.splitlines() if line.endswith((": ISC", ": MIT", ": LGPL-3.0"))}
    assert named == {*(name.split("/")[0] for name in bundle.VENDOR), "onnxruntime-web", "libheif-js"}
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text


def test_private_mode_gets_the_model_and_its_metadata(
    site: Path, stand_in_file: Path, stand_in: Model, client: TestClient
) -> None:
    assert unpacked(site, "model") == stand_in_file.read_bytes()
    assert unpacked(site, "runtime").startswith(b"\0asm")
    classification_data: dict[str, Any] = json.loads(unpacked(site, "decision"))
    assert classification_data["card"] == client.get("/api/model").json()
    assert classification_data["bias"] == stand_in.card.bias
    assert classification_data["messages"].keys() == {rule.code for rule in stand_in.card.default_point.refusal}


def test_private_mode_gets_modules_as_they_are(site: Path) -> None:
    parts = json.loads((site / "private" / "parts.json").read_text())
    for part in ("engine", "heic"):
        module = (site / parts[part]["url"].lstrip("/")).read_bytes()
        assert b"export{" in module or b"export {" in module
        # CloudFront compresses them on the way, and the progress counts what travels.
        assert len(module) < 10_000_000
        assert parts[part]["bytes"] == pytest.approx(len(gzip.compress(module)), rel=0.02)


def test_the_service_worker_keeps_the_page_and_nothing_large(site: Path) -> None:
    listed = re.search(r"precache\((\[.+?\])\)", (site / "sw.js").read_text(), re.DOTALL)
    assert listed
    kept = {entry["url"].lstrip("/"): entry["revision"] for entry in json.loads(listed[1])}
    assert kept == {name: hashlib.sha256((site / name).read_bytes()).hexdigest()[:12] for name in kept}
    assert {"index.html", "style.css", "js/main.js", "strings/de.json", "private/parts.json"} <= kept.keys()
    weights = {name: len(gzip.compress((site / name).read_bytes())) for name in kept}
    samples = {name: weights.pop(name) for name in kept if name.startswith("samples/")}
    assert sum(weights.values()) < 420_000
    # The samples' list and thumbnails; the photos themselves are cached when they are opened.
    assert len(samples) == 13 and sum(samples.values()) < 80_000
    left = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()} - kept.keys()
    assert {name.split("/")[0] for name in left} == {"samples", "private", "vendor", "sw.js", "404.html"}
    # A service worker's own scripts are kept with it.
    assert all("workbox" in name or name.endswith("licences.txt") for name in left if name.startswith("vendor/"))


def test_names_of_what_is_kept_change_with_its_content(site: Path) -> None:
    for part in ("model", "decision", "runtime"):
        url = json.loads((site / "private" / "parts.json").read_text())[part]["url"]
        assert hashlib.sha256(unpacked(site, part)).hexdigest()[:12] in url


def test_a_second_time_touches_nothing_and_clears_what_is_gone(site: Path, stand_in_file: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    (site / "old").mkdir()
    (site / "old" / "page.html").write_text("of yesterday")
    bundle.assemble(stand_in_file, site)
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()} == before
    assert not (site / "old").exists()


def test_a_missing_package_is_one_sentence(stand_in_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "PACKAGES", tmp_path / "none")
    with pytest.raises(bundle.BundleError, match="`make packages` installs it"):
        bundle.assemble(stand_in_file, tmp_path / "site")


def test_a_file_without_a_known_type_is_not_published(
    stand_in_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "film.mkv").touch()
    monkeypatch.setattr(bundle, "SITE", tmp_path / "own")
    with pytest.raises(bundle.BundleError, match=r"film\.mkv"):
        bundle.assemble(stand_in_file, tmp_path / "site")
