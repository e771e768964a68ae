"""The templates, the certificate and the functions that the emulation tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser

from infra.packaging.buildah import ImageError
from tests.support.browser import launched
from tests.support.cdk import EVERY_OPTION, Assembly, synthesise, synthesise_once
from tests.support.cloud.cloud import Pool, in_image, in_process
from tests.support.cloud.edge_function import close_all
from tests.support.cloud.front import Certificate
from tests.support.cloud.template import Template
from tests.support.lambda_runtime.container import working_copy
from tests.support.lambda_runtime.network import Network
from tests.support.paths import REPOSITORY

SYNTHESISED = REPOSITORY / "cdk.out"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return the stack of `make synth`, synthesised again if it is missing or older than the sources."""
    if _is_fresh(SYNTHESISED / "Lesion.template.json"):
        return Template.read(SYNTHESISED)
    return Template.read(synthesise(tmp_path_factory.mktemp("cdk"), {}).folder)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Return the stacks of the default settings, the same as those of tests/infra."""
    return synthesise_once(tmp_path_factory, {})


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Return the stacks with every option, the same as those of tests/infra."""
    return synthesise_once(tmp_path_factory, EVERY_OPTION)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return the stack with the setting `stopped`, which is what `make stop` makes of a running deployment."""
    return Template.read(synthesise(tmp_path_factory.mktemp("stopped"), {"stopped": True}).folder)


@pytest.fixture(scope="session")
def subscribed(plain: Assembly) -> list[Template]:
    """Return the stack of the default settings, to whose topic somebody has subscribed by hand."""
    service = Template.read(plain.folder)
    (topic,) = (key for key, item in service.resources.items() if item["Type"] == "AWS::SNS::Topic")
    by_hand = {"Endpoint": EVERY_OPTION["alarm_email"], "Protocol": "email", "TopicArn": {"Ref": topic}}
    service.resources["ByHand"] = {"Type": "AWS::SNS::Subscription", "Properties": by_hand}
    return [service]


def _is_fresh(result: Path) -> bool:
    folders = [REPOSITORY / name for name in ("infra", "lambda", "models")]
    sources = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    sources = [path for path in sources if not {"node_modules", "__pycache__"} & {*path.parts}]
    single = [REPOSITORY / name for name in ("cdk.json", ".dockerignore", "requirements.txt")]
    return result.is_file() and result.stat().st_mtime > max(path.stat().st_mtime for path in (*sources, *single))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None:
        _missing("openssl makes the certificate of the rehearsal: install Debian's package openssl.")
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Return functions as local processes, for tests of everything in front of them."""
    with Pool(in_process(tmp_path_factory.mktemp("home"))) as pool:
        yield pool


@pytest.fixture(scope="session", autouse=True)
def nodes() -> Iterator[None]:
    """Stop the node processes of the edge functions at the end."""
    yield
    close_all()


@pytest.fixture(scope="package")
def browser(template: Template, stopped: Template, plain: Assembly, full: Assembly) -> Iterator[Browser]:
    """Return the browser of this folder; ends with it, because no other event loop can run in its thread.

    CDK has one as well, so the templates are synthesised before.
    """
    # The certificate is self-signed, and a context that ignores errors still has no service worker.
    with launched("--ignore-certificate-errors") as browser:
        yield browser


@pytest.fixture(scope="session")
def containers() -> Iterator[Pool]:
    """Return functions as isolated containers of the built image, with the template's memory and environment."""
    if os.geteuid() != 0:
        _missing("The image runs as root only, without Docker too: run this as root.")
    try:
        # Installs runc if possible; a missing image raises an error with instructions.
        with working_copy() as image, Network() as network, Pool(in_image(image, network)) as pool:
            yield pool
    except ImageError as error:
        _missing(str(error))


def _missing(sentence: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)
