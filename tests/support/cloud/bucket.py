"""The bucket of the page: the objects that the deployment uploads, and S3's responses to CloudFront."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from tests.support.cloud.messages import Headers, Request, Response, value
from tests.support.cloud.template import NotEmulated, Template, know

TYPES: Mapping[str, str] = {
    ".css": "text/css",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""Content types that the deployment helper guesses from a suffix if the deployment does not set one."""

_HELPER = {
    "ServiceToken",
    "SourceBucketNames",
    "SourceObjectKeys",
    "DestinationBucketName",
    "Exclude",
    "Include",
    "SystemMetadata",
    "Prune",
    "OutputObjectKeys",
}
# CloudFront invalidates these at a deployment; the emulated edge starts empty.
_EMPTYING = {"DistributionId", "DistributionPaths", "WaitForDistributionInvalidation"}
_DENIALS = ({"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}})
"""Methods that the bucket refuses and that CloudFront does not sign."""


@dataclass(frozen=True)
class Object:
    """One object of the bucket."""

    body: bytes
    kind: str
    cache_control: str

    @property
    def etag(self) -> str:
        # S3's ETag of an object that was uploaded in one part.
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Bucket:
    """The bucket after a deployment."""

    def __init__(self, template: Template, name: str) -> None:
        self._template = template
        self._name = name
        self.objects = _published(template, name)
        self._allowed = _allowed(template, name)

    @property
    def host(self) -> str:
        return f"{self._name}.s3.{self._template.region}.amazonaws.com"

    def answer(self, request: Request, *, signed_for: str | None) -> Response:
        """Return S3's response to the distribution with the ARN `signed_for`, or to an unsigned request."""
        rights = self._allowed.get(signed_for or "", set())
        key = request.path.removeprefix("/")
        stored = self.objects.get(key)
        if "s3:GetObject" not in rights or (stored is None and "s3:ListBucket" not in rights):
            return _error(403, "AccessDenied")
        if request.method not in ("GET", "HEAD"):
            return _error(403, "AccessDenied")
        if stored is None:
            return _error(404, "NoSuchKey")
        headers: Headers = (("Content-Type", stored.kind), ("ETag", stored.etag), ("Server", "AmazonS3"))
        if stored.cache_control:
            headers += (("Cache-Control", stored.cache_control),)
        if value(request.headers, "If-None-Match") == stored.etag:
            return Response(304, headers)
        return Response(200, headers, stored.body)


def _published(template: Template, bucket: str) -> dict[str, Object]:
    objects: dict[str, Object] = {}
    assets = template.assets()
    for deployment in template.named("Custom::CDKBucketDeployment").values():
        properties = template.resolve(deployment)
        know(properties, "The deployment of the page", _HELPER, _EMPTYING)
        if properties["DestinationBucketName"] != bucket:
            continue
        for key in properties["SourceObjectKeys"]:
            objects |= _copied(assets[key], properties)
    return objects


def _copied(folder: Path, properties: Mapping[str, Any]) -> dict[str, Object]:
    metadata = properties.get("SystemMetadata", {})
    know(metadata, "The page's metadata", ("cache-control", "content-type"))
    objects = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        key = path.relative_to(folder).as_posix()
        # The helper passes exclusions first, and the last match wins; its wildcards also match slashes.
        included = any(fnmatchcase(key, pattern) for pattern in properties.get("Include", ()))
        if included or not any(fnmatchcase(key, pattern) for pattern in properties.get("Exclude", ())):
            guessed = TYPES.get(PurePosixPath(key).suffix, "binary/octet-stream")
            kind = metadata.get("content-type", guessed)
            objects[key] = Object(path.read_bytes(), kind, metadata.get("cache-control", ""))
    return objects


def _allowed(template: Template, bucket: str) -> dict[str, set[str]]:
    """Return the actions that the bucket policy allows CloudFront, by the ARN of the distribution."""
    rights: dict[str, set[str]] = {}
    for policy in template.named("AWS::S3::BucketPolicy").values():
        if template.resolve(policy["Bucket"]) != bucket:
            continue
        for statement in template.resolve(policy["PolicyDocument"])["Statement"]:
            if statement["Effect"] == "Deny":
                if statement.get("Condition") not in _DENIALS:
                    raise NotEmulated(f"The bucket's policy denies {statement}.")
            elif statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}:
                know(statement, "CloudFront's right", ("Effect", "Action", "Principal", "Resource", "Condition"))
                source = statement["Condition"]["StringEquals"]["AWS:SourceArn"]
                actions = statement["Action"]
                rights.setdefault(source, set()).update([actions] if isinstance(actions, str) else actions)
    return rights


def _error(status: int, code: str) -> Response:
    return Response(
        status,
        (("Content-Type", "application/xml"), ("Server", "AmazonS3")),
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode(),
    )
