"""The base image is pinned by digest, and a new digest is a new image."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.config import Settings
from infra.packaging.base_image import Answer, BaseImage, DigestError, current_digest, main
from tests.support.paths import REPOSITORY

ONE, OTHER = (f"sha256:{letter * 64}" for letter in "ab")
IMAGE = "public.ecr.aws/lambda/python:3.13"


def registry(digest: str) -> object:
    """A registry in the form of the OCI distribution specification, which gives an anonymous token first."""

    def ask(url: str, headers: Mapping[str, str], method: str) -> Answer:
        if url == "https://public.ecr.aws/token/?service=public.ecr.aws&scope=repository:lambda/python:pull":
            return {}, b'{"token": "anonymous"}'
        assert (url, method) == ("https://public.ecr.aws/v2/lambda/python/manifests/3.13", "HEAD")
        assert headers["Authorization"] == "Bearer anonymous" and "image.index" in headers["Accept"]
        return {"Docker-Content-Digest": digest}, b""

    return ask


def unreachable(*_: object) -> Answer:
    raise OSError("Name or service not known")


def written(folder: Path, digest: str) -> Path:
    file = folder / "base-image.json"
    file.write_text(json.dumps({"image": IMAGE, "digest": digest}))
    return file


def test_digest_is_read_from_the_registry() -> None:
    assert current_digest(IMAGE, registry(ONE)) == ONE  # type: ignore[arg-type]


def test_answer_without_digest_is_refused() -> None:
    with pytest.raises(DigestError, match="names no digest"):
        current_digest(IMAGE, registry(""))  # type: ignore[arg-type]


def test_command_writes_the_digest(tmp_path: Path) -> None:
    file = written(tmp_path, ONE)
    assert main(registry(OTHER), file) == 0  # type: ignore[arg-type]
    assert BaseImage.read(file).reference == f"{IMAGE}@{OTHER}"


def test_digest_stays_where_the_registry_cannot_be_reached(tmp_path: Path) -> None:
    file = written(tmp_path, ONE)
    assert main(unreachable, file) == 1
    assert BaseImage.read(file).digest == ONE


def test_malformed_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DigestError, match="has the digest 'latest'"):
        BaseImage.read(written(tmp_path, "latest"))


def test_without_a_digest_the_tag_is_used(tmp_path: Path) -> None:
    assert BaseImage.read(written(tmp_path, "")).reference == IMAGE


def test_dockerfile_and_file_name_the_same_image() -> None:
    text = (REPOSITORY / "lambda" / "Dockerfile").read_text()
    assert f"ARG BASE_IMAGE={BaseImage.read().image}\n" in text


def test_a_new_digest_is_a_new_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CDK builds only if the hash of the asset changes, and the digest is in no file of the context."""
    pytest.importorskip("aws_cdk")
    from aws_cdk import App, Stack

    from infra.constructs import image_asset
    from infra.constructs.function import ClassifierFunction

    def asset(digest: str) -> tuple[str, str]:
        monkeypatch.setattr(image_asset, "BASE", BaseImage.read(written(tmp_path, digest)))
        app = App(outdir=str(tmp_path / (digest[-1:] or "none")), analytics_reporting=False)
        ClassifierFunction(Stack(app, "Small"), "Service", Settings(), "secret")
        assembly = Path(app.synth().directory)
        ((key, item),) = json.loads((assembly / "Small.assets.json").read_text())["dockerImages"].items()
        return key, item["source"]["dockerBuildArgs"]["BASE_IMAGE"]

    (one, pinned), (other, _), (none, by_tag) = asset(ONE), asset(OTHER), asset("")
    assert len({one, other, none}) == 3
    assert (pinned, by_tag) == (f"{IMAGE}@{ONE}", IMAGE)
