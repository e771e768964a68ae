"""CloudFront's policies: cache keys, requests to the origin, and headers added for the viewer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.support.cloud.messages import Headers, Request, Response, value
from tests.support.cloud.template import NotEmulated, Template, know

_NOTHING = {
    "CookiesConfig": {"CookieBehavior": "none"},
    "HeadersConfig": {"HeaderBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}

MANAGED_CACHE: Mapping[str, dict[str, Any]] = {
    # CachingDisabled
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": {
        **{"Name": "Managed-CachingDisabled", "MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0},
        "ParametersInCacheKeyAndForwardedToOrigin": {
            **_NOTHING,
            "EnableAcceptEncodingBrotli": False,
            "EnableAcceptEncodingGzip": False,
        },
    },
    # CachingOptimized
    "658327ea-f89d-4fab-a63d-7e88639e58f6": {
        **{"Name": "Managed-CachingOptimized", "MinTTL": 1, "DefaultTTL": 86_400, "MaxTTL": 31_536_000},
        "ParametersInCacheKeyAndForwardedToOrigin": {
            **_NOTHING,
            "EnableAcceptEncodingBrotli": True,
            "EnableAcceptEncodingGzip": True,
        },
    },
}
"""AWS managed policies by ID; a template contains only the ID."""


@dataclass(frozen=True)
class Selection:
    """Headers, cookies and query parameters that are selected; None selects all."""

    headers: frozenset[str]
    cookies: frozenset[str] | None
    parameters: frozenset[str] | None

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "Selection":
        know(config, "A policy", _NOTHING, ("EnableAcceptEncodingBrotli", "EnableAcceptEncodingGzip"))
        # All headers would include the viewer's Host, which API Gateway rejects.
        headers = _taken(config["HeadersConfig"], "HeaderBehavior", "Headers")
        if headers is None:
            raise NotEmulated("A policy that takes all headers.")
        return cls(
            frozenset(name.lower() for name in headers),
            _taken(config["CookiesConfig"], "CookieBehavior", "Cookies"),
            _taken(config["QueryStringsConfig"], "QueryStringBehavior", "QueryStrings"),
        )

    def header_lines(self, request: Request) -> Headers:
        """Return the selected headers, with the selected cookies as one header."""
        chosen = tuple((name, text) for name, text in request.headers if name.lower() in self.headers)
        cookies = [pair.strip() for pair in value(request.headers, "Cookie").split(";") if pair.strip()]
        kept = [pair for pair in cookies if self.cookies is None or pair.split("=")[0] in self.cookies]
        return (*chosen, ("Cookie", "; ".join(kept))) if kept else chosen

    def query(self, request: Request) -> str:
        """Return the selected query parameters, undecoded."""
        pairs = [pair for pair in request.query.split("&") if pair]
        return "&".join(pair for pair in pairs if self.parameters is None or unquote(pair.split("=")[0]) in self.parameters)

    def __or__(self, other: "Selection") -> "Selection":
        return Selection(
            self.headers | other.headers,
            None if self.cookies is None or other.cookies is None else self.cookies | other.cookies,
            None if self.parameters is None or other.parameters is None else self.parameters | other.parameters,
        )


NOTHING = Selection(frozenset(), frozenset(), frozenset())


def _taken(config: Mapping[str, Any], behavior: str, names: str) -> frozenset[str] | None:
    if config[behavior] == "none":
        return frozenset()
    if config[behavior] == "all":
        return None
    if config[behavior] == "whitelist":
        listed = config[names]
        return frozenset(listed if isinstance(listed, list) else listed["Items"])
    raise NotEmulated(f"{behavior} is {config[behavior]}.")


@dataclass(frozen=True)
class CachePolicy:
    """TTL bounds and cache key of a cache policy."""

    least: int
    default: int
    most: int
    key: Selection
    compresses: bool

    @classmethod
    def read(cls, template: Template, name: str) -> "CachePolicy":
        """Return the policy with this ID, from the template or managed by AWS.

        Raises:
            NotEmulated: the policy is not among them.
        """
        own = template.named("AWS::CloudFront::CachePolicy")
        if name not in own and name not in MANAGED_CACHE:
            raise NotEmulated(f"The cache policy {name}. If AWS manages it, add it to MANAGED_CACHE.")
        config = template.resolve(own[name]["CachePolicyConfig"]) if name in own else MANAGED_CACHE[name]
        know(
            config, "A cache policy", ("Name", "MinTTL", "DefaultTTL", "MaxTTL", "ParametersInCacheKeyAndForwardedToOrigin")
        )
        key = config["ParametersInCacheKeyAndForwardedToOrigin"]
        compresses = key["EnableAcceptEncodingGzip"] or key.get("EnableAcceptEncodingBrotli", False)
        return cls(config["MinTTL"], config["DefaultTTL"], config["MaxTTL"], Selection.read(key), compresses)

    def seconds(self, response: Response) -> float:
        """Return the seconds for which a successful response is cached."""
        said = value(response.headers, "Cache-Control").lower()
        if re.search(r"no-cache|no-store|private", said):
            return self.least
        age = re.search(r"s-maxage=(\d+)", said) or re.search(r"max-age=(\d+)", said)
        return max(self.least, min(self.most, int(age[1]))) if age else self.default


def origin_request(template: Template, name: str | None) -> Selection:
    """Return what the origin request policy with this ID forwards beyond the cache key.

    Raises:
        NotEmulated: it is one of AWS's own.
    """
    if name is None:
        return NOTHING
    own = template.named("AWS::CloudFront::OriginRequestPolicy")
    if name not in own:
        raise NotEmulated(f"The origin request policy {name}.")
    config = template.resolve(own[name]["OriginRequestPolicyConfig"])
    return Selection.read({key: item for key, item in config.items() if key not in ("Name", "Comment")})


@dataclass(frozen=True)
class ResponseHeaders:
    """Headers for the viewer, each with a flag whether it overrides the origin's."""

    added: tuple[tuple[str, str, bool], ...] = ()

    @classmethod
    def read(cls, template: Template, name: str | None) -> "ResponseHeaders":
        """Return the response headers policy with this ID; without one, no headers are added.

        Raises:
            NotEmulated: it is one of AWS's own, or has parts that are not known.
        """
        if name is None:
            return cls()
        own = template.named("AWS::CloudFront::ResponseHeadersPolicy")
        if name not in own:
            raise NotEmulated(f"The response headers policy {name}.")
        config = template.resolve(own[name]["ResponseHeadersPolicyConfig"])
        know(config, "A response headers policy", ("Name", "Comment", "CustomHeadersConfig", "SecurityHeadersConfig"))
        custom = config.get("CustomHeadersConfig", {}).get("Items", [])
        security = config.get("SecurityHeadersConfig", {})
        know(security, "A response headers policy", _SECURITY)
        return cls(
            (
                *((item["Header"], item["Value"], item["Override"]) for item in custom),
                *((*_SECURITY[key](item), item["Override"]) for key, item in security.items()),
            )
        )

    def add(self, response: Response) -> Response:
        for name, text, overrides in self.added:
            if overrides or not value(response.headers, name):
                response = response.set(name, text)
        return response


def _hsts(config: Mapping[str, Any]) -> tuple[str, str]:
    options = {"IncludeSubdomains": "includeSubDomains", "Preload": "preload"}
    parts = [f"max-age={config['AccessControlMaxAgeSec']}", *(word for key, word in options.items() if config.get(key))]
    return "Strict-Transport-Security", "; ".join(parts)


_SECURITY = {
    "ContentSecurityPolicy": lambda config: ("Content-Security-Policy", config["ContentSecurityPolicy"]),
    "ContentTypeOptions": lambda _: ("X-Content-Type-Options", "nosniff"),
    "FrameOptions": lambda config: ("X-Frame-Options", config["FrameOption"]),
    "ReferrerPolicy": lambda config: ("Referrer-Policy", config["ReferrerPolicy"]),
    "StrictTransportSecurity": _hsts,
}
