"""CloudFormation templates, synthesised in this process from cdk.json with some settings changed."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.config import PREFIX, read_settings
from tests.support.locks import exclusive
from tests.support.paths import REPOSITORY

EVERY_OPTION: dict[str, Any] = {
    "region": "eu-central-1",
    "waf": True,
    "tracing": True,
    "provisioned_concurrency": 2,
    "domain_name": "moles.example.org",
    "hosted_zone_id": "Z0123456789",
    "flat_rate_plan": True,
    "alarm_email": "you@example.org",
    "origin_secret": 2,
    "title": "Moles",
    "url_hosts": "images.example.org",
    "rollout": "linear_10_percent_every_1_minute",
    "reserved_concurrency": 0,
    "budget_usd": 0,
    "batch_bucket": "my-images",
    "batch_prefix": "clinic/2025/",
    "batch_concurrency": 20,
}
Resource = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """The output folder of a synthesis: templates, manifest, assets."""

    folder: Path

    def stacks(self) -> dict[str, str]:
        """Region of each stack."""
        artifacts = json.loads((self.folder / "manifest.json").read_text())["artifacts"]
        return {
            name: artifact["environment"].rsplit("/", 1)[1]
            for name, artifact in artifacts.items()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    def text(self, stack: str = "Lesion") -> str:
        return (self.folder / f"{stack}.template.json").read_text()

    def resources(self, kind: str, stack: str = "Lesion") -> dict[str, Resource]:
        """Resources of one type by logical id."""
        every: dict[str, Resource] = json.loads(self.text(stack))["Resources"]
        return {name: resource for name, resource in every.items() if resource["Type"] == kind}

    def only(self, kind: str, stack: str = "Lesion") -> Resource:
        """The properties of the one resource of its type."""
        (resource,) = self.resources(kind, stack).values()
        properties: Resource = resource["Properties"]
        return properties

    def files(self, content: str) -> set[str]:
        """Paths in the asset that has the file `content`."""
        (asset,) = (folder for folder in self.folder.glob("asset.*") if (folder / content).is_file())
        return {str(path.relative_to(asset)) for path in asset.rglob("*") if path.is_file()}


def synthesise_once(factory: pytest.TempPathFactory, changed: Mapping[str, Any]) -> Assembly:
    """Synthesise cdk.json with the settings `changed`, each combination once in a session, also for several workers."""
    base = factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own in that of the session.
    shared = base.parent if base.name.startswith("popen-") else base
    name = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:12]
    folder, done = shared / f"cdk-{name}", shared / f"cdk-{name}.done"
    with exclusive(f"cdk-{name}"):
        if not done.exists():
            folder.mkdir()
            synthesise(folder, changed)
            done.touch()
    return Assembly(folder)


def synthesise(folder: Path, changed: Mapping[str, Any], flags: Mapping[str, Any] | None = None) -> Assembly:
    """Synthesise the application into `folder`, with the settings `changed` and CDK's `flags` in place of those of cdk.json.

    Skips the test where CDK cannot start; fails it with CI=true.
    """
    try:
        from aws_cdk import App
    except (ImportError, OSError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"CDK cannot start here ({error}). `make setup` installs it, with the node that it needs.")
    from infra.app import build

    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    context |= {PREFIX + name: value for name, value in changed.items()} | dict(flags or {})
    app = App(context=context, outdir=str(folder), analytics_reporting=False)
    # The site is assembled on the way, in a folder that every process shares.
    with exclusive("site"):
        build(app, read_settings(context))
    app.synth()
    return Assembly(folder)
