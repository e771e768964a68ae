"""Emulated CloudFront distribution of a template: behaviours, cache, forwarded and added headers.

Left out are those parts that no request of a test can see: price class, address families, HTTP/2 and 3, the own domain with
its certificate, and the firewall. Brotli is left out too: a viewer that takes both gets gzip.
"""

import gzip
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.support.cloud.bucket import Bucket
from tests.support.cloud.edge_function import EdgeFunction
from tests.support.cloud.http_api import HttpApi
from tests.support.cloud.messages import Origin, Request, Response, value, without
from tests.support.cloud.policies import CachePolicy, ResponseHeaders, Selection, origin_request
from tests.support.cloud.recorder import CLOUDFRONT_REGION, Recorder
from tests.support.cloud.template import ACCOUNT, Template, know

URL_BYTES = 8192
"""CloudFront's limit of the URL length."""
COMPRESSED_BYTES = (1000, 10_000_000)
"""Sizes in bytes that CloudFront compresses."""
COMPRESSED_TYPES = frozenset(
    ("application/javascript", "application/json", "image/svg+xml", "text/css", "text/html", "text/javascript", "text/plain")
)
"""Content types that CloudFront compresses and this service uses."""
ERROR_SECONDS = 10
"""Default seconds for which an error is cached."""
KEPT_ERRORS = frozenset((400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504))

_UNSEEN = {"Aliases", "Comment", "Enabled", "HttpVersion", "IPV6Enabled", "PriceClass", "ViewerCertificate", "WebACLId"}
_HOP = ("Connection", "Content-Length", "Keep-Alive", "Transfer-Encoding")
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


@dataclass(frozen=True)
class Behaviour:
    """A cache behaviour."""

    pattern: re.Pattern[str]
    origin: str
    protocol: str
    methods: frozenset[str]
    kept_methods: frozenset[str]
    cache: CachePolicy
    forwarded: Selection
    headers: ResponseHeaders
    compresses: bool
    function: EdgeFunction | None

    @classmethod
    def read(cls, template: Template, config: Mapping[str, Any]) -> "Behaviour":
        read = {
            "TargetOriginId",
            "ViewerProtocolPolicy",
            "AllowedMethods",
            "CachedMethods",
            "Compress",
            "PathPattern",
            "FunctionAssociations",
        }
        policies = {"CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId"}
        know(config, "A cache behaviour", read, policies)
        cache = CachePolicy.read(template, config["CachePolicyId"])
        # The leading slash is optional.
        path = "/" + config.get("PathPattern", "*").removeprefix("/")
        return cls(
            pattern=re.compile(re.escape(path).replace(r"\*", ".*").replace(r"\?", ".")),
            origin=config["TargetOriginId"],
            protocol=config["ViewerProtocolPolicy"],
            methods=frozenset(config.get("AllowedMethods", ("GET", "HEAD"))),
            kept_methods=frozenset(config.get("CachedMethods", ("GET", "HEAD"))),
            cache=cache,
            forwarded=cache.key | origin_request(template, config.get("OriginRequestPolicyId")),
            headers=ResponseHeaders.read(template, config.get("ResponseHeadersPolicyId")),
            # Both settings are needed, and responses that are not cached are not compressed.
            compresses=config.get("Compress", False) and cache.compresses and cache.most > 0,
            function=EdgeFunction.read(template, config.get("FunctionAssociations", ())),
        )


class Edge:
    """The distribution in front of its origins."""

    def __init__(
        self, template: Template, buckets: list[Bucket], apis: list[HttpApi], recorder: Recorder | None = None
    ) -> None:
        (self._name,) = template.named("AWS::CloudFront::Distribution")
        self._recorder = Recorder(CLOUDFRONT_REGION) if recorder is None else recorder
        config = template.resolve(template.only("AWS::CloudFront::Distribution")["DistributionConfig"])
        read = {"CacheBehaviors", "CustomErrorResponses", "DefaultCacheBehavior", "DefaultRootObject", "Origins"}
        know(config, "The distribution", read, _UNSEEN)
        self._enabled = config["Enabled"]
        self._root = config.get("DefaultRootObject", "")
        behaviours = [*config.get("CacheBehaviors", ()), config["DefaultCacheBehavior"]]
        self._behaviours = [Behaviour.read(template, item) for item in behaviours]
        self._error_seconds = dict(_error_seconds(item) for item in config.get("CustomErrorResponses", ()))
        self._signs = {
            key: item["OriginAccessControlConfig"]["SigningBehavior"] == "always"
            for key, item in template.named("AWS::CloudFront::OriginAccessControl").items()
        }
        self._arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{self._name}"
        behind: list[Bucket | HttpApi] = [*buckets, *apis]
        self._hosts = {item.host: item for item in behind}
        self._origins = {item["Id"]: self._origin(item) for item in config["Origins"]}
        self._kept: dict[tuple[object, ...], tuple[float, Response]] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        """Return the response to a viewer's request; a disabled distribution refuses each."""
        response = self._answer(request)
        self._recorder.edge_answered(self._name, request.method, response.status, len(response.body))
        return response

    def _answer(self, request: Request) -> Response:
        if not self._enabled:
            return _own(403)
        behaviour = next(item for item in self._behaviours if item.pattern.fullmatch(request.path))
        if not request.secure and behaviour.protocol != "allow-all":
            if behaviour.protocol == "redirect-to-https":
                return _own(301).set("Location", f"https://{value(request.headers, 'Host')}{request.target}")
            return _own(403)
        if request.method not in behaviour.methods or (request.method in ("GET", "HEAD") and request.body):
            return _own(403)
        if len(request.target) > URL_BYTES:
            return _own(414)
        if behaviour.function is not None:
            # A generated response has the behaviour's headers and bypasses its cache.
            edge_result = behaviour.function.run(request)
            if isinstance(edge_result, Response):
                return behaviour.headers.add(edge_result).set("X-Cache", "FunctionGeneratedResponse from cloudfront")
            request = edge_result
        hit, response = self._fetch(behaviour, request)
        response = behaviour.headers.add(_for_viewer(behaviour, request, response))
        how = "Error" if response.status >= 400 and not hit else "Hit" if hit else "Miss"
        return response.set("X-Cache", f"{how} from cloudfront").set("Via", "1.1 emulation (CloudFront)")

    def _fetch(self, behaviour: Behaviour, request: Request) -> tuple[bool, Response]:
        keeps = request.method in behaviour.kept_methods and behaviour.cache.most > 0
        selected = behaviour.cache.key
        key = (behaviour.origin, request.path, selected.query(request), selected.header_lines(request))
        with self._lock:
            until, kept = self._kept.get(key, (0.0, Response(0)))
        if request.method in behaviour.kept_methods and time.monotonic() < until:
            return True, kept
        response = self._ask(behaviour, request)
        seconds = behaviour.cache.seconds(response) if keeps else 0
        if response.status in KEPT_ERRORS and request.method in behaviour.kept_methods:
            # Errors are cached even if nothing else is.
            seconds = self._error_seconds.get(response.status, ERROR_SECONDS)
        elif response.status >= 400:
            seconds = 0
        if seconds:
            with self._lock:
                self._kept[key] = (time.monotonic() + seconds, response)
        return False, response

    def _ask(self, behaviour: Behaviour, request: Request) -> Response:
        path = f"/{self._root}" if self._root and request.path == "/" else request.path
        query = behaviour.forwarded.query(request)
        headers = [
            ("User-Agent", "Amazon CloudFront"),
            ("Via", "1.1 emulation (CloudFront)"),
            ("X-Amz-Cf-Id", uuid.uuid4().hex),
            ("X-Forwarded-For", request.source),
            *behaviour.forwarded.header_lines(request),
        ]
        # Requests to the origin are always GET, so that the cached object also answers later GET requests.
        method = "GET" if request.method == "HEAD" and behaviour.cache.most > 0 else request.method
        passed = replace(
            request, method=method, target=f"{path}?{query}" if query else path, headers=tuple(headers), secure=True
        )
        origin, seconds = self._origins[behaviour.origin]
        try:
            response = origin(passed, seconds)
        except TimeoutError:
            return _own(504)
        return replace(response, headers=without(response.headers, *_HOP))

    def _origin(self, config: Mapping[str, Any]) -> tuple[Origin, float]:
        known = {"Id", "DomainName", "OriginPath", "OriginCustomHeaders", "OriginAccessControlId"}
        know(config, "An origin", known, ("S3OriginConfig", "CustomOriginConfig"))
        start = config.get("OriginPath", "")
        own = [(item["HeaderName"], item["HeaderValue"]) for item in config.get("OriginCustomHeaders", ())]
        behind = self._hosts.get(config["DomainName"].lower())
        signed = self._signs.get(config.get("OriginAccessControlId", ""), False)
        custom = config.get("CustomOriginConfig", {})
        transport = {"OriginProtocolPolicy", "OriginSSLProtocols", "HTTPSPort"}
        know(custom, "An origin", ("OriginReadTimeout", "OriginKeepaliveTimeout"), transport)

        def ask(request: Request, seconds: float) -> Response:
            # Custom origin headers replace the viewer's headers of the same name.
            headers = (*without(request.headers, *(name for name, _ in own)), *own)
            passed = replace(request, target=start + request.target, headers=headers)
            if isinstance(behind, Bucket) and "S3OriginConfig" in config:
                return behind.answer(passed, signed_for=self._arn if signed else None)
            if isinstance(behind, HttpApi) and custom.get("OriginProtocolPolicy") == "https-only":
                return behind.answer(passed, seconds)
            # HTTP APIs accept TLS only, and S3 has no certificate for another host name.
            return _own(502)

        return ask, float(custom.get("OriginReadTimeout", 30))


def _error_seconds(config: Mapping[str, Any]) -> tuple[int, int]:
    know(config, "An answer to errors", ("ErrorCode", "ErrorCachingMinTTL"))
    return config["ErrorCode"], config.get("ErrorCachingMinTTL", ERROR_SECONDS)


def _for_viewer(behaviour: Behaviour, request: Request, response: Response) -> Response:
    etag = value(response.headers, "ETag")
    if etag and response.status == 200 and _same(etag, value(request.headers, "If-None-Match")):
        return replace(response, status=304, body=b"")
    least, most = COMPRESSED_BYTES
    kind = value(response.headers, "Content-Type").split(";")[0].strip()
    if (
        behaviour.compresses
        and response.status in (200, 403, 404)
        and least <= len(response.body) <= most
        and kind in COMPRESSED_TYPES
        and _GZIP.search(value(request.headers, "Accept-Encoding"))
        and not value(response.headers, "Content-Encoding")
    ):
        response = replace(response, body=gzip.compress(response.body, 6)).set("Content-Encoding", "gzip")
        # The compressed form needs an ETag of its own.
        response = response.set("ETag", f"W/{etag}") if etag and not etag.startswith("W/") else response
        response = response.set("Vary", "Accept-Encoding")
    return response


def _same(etag: str, asked: str) -> bool:
    return etag.removeprefix("W/") in [part.strip().removeprefix("W/") for part in asked.split(",")]


def _own(status: int) -> Response:
    """Return a response generated by the edge; the response headers policy does not apply to it."""
    headers = (("Server", "CloudFront"), ("Content-Type", "text/html"), ("X-Cache", "Error from cloudfront"))
    return Response(status, headers, f"<html><body>{status}</body></html>".encode())
