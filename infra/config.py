"""What a deployer may choose: one typed setting each, read from the `lesion:` keys of cdk.json's context.

`cdk deploy -c lesion:waf=true` overrides the file for one deployment. `python -m infra.config` prints the table.
"""

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

PREFIX = "lesion:"
"""Of the keys in cdk.json, so that a misspelt one is told from CDK's own."""

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365)
"""The retentions up to a year that CloudWatch Logs knows."""

GATEWAY_SECONDS = 29
"""The HTTP API gives up after this, the most that it can be told; a function that may run longer is paid for
with nobody listening."""

ROLLOUTS = (
    "all_at_once",
    "canary_10_percent_5_minutes",
    "canary_10_percent_15_minutes",
    "linear_10_percent_every_1_minute",
    "linear_10_percent_every_3_minutes",
)

_HOST = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"


class SettingError(ValueError):
    """Raised when a setting cannot be understood; the message is one sentence or two that say what to write instead."""


def _whole(default: int, says: str, least: int, most: int) -> Any:
    return field(default=default, metadata={"says": says, "least": least, "most": most})


def _choice(default: Any, says: str, choices: tuple[Any, ...]) -> Any:
    return field(default=default, metadata={"says": says, "choices": choices})


def _text(default: str, says: str, pattern: str, example: str) -> Any:
    return field(default=default, metadata={"says": says, "pattern": pattern, "example": example})


def _switch(says: str) -> Any:
    return field(default=False, metadata={"says": says})


@dataclass(frozen=True)
class Settings:
    """One deployment. Every field is a key `lesion:<name>`; an empty text means that there is none."""

    name: str = _text(
        "Lesion", "Name of the stack; another name is another, independent service.", r"[A-Za-z][A-Za-z0-9]{0,39}", "Lesion"
    )
    region: str = _text(
        "us-east-1",
        "AWS region of everything but what CloudFront wants in us-east-1.",
        r"[a-z]{2}(-[a-z]+)+-\d",
        "eu-central-1",
    )
    memory_mb: int = _whole(1769, "Memory of the function; 1769 MB come with one whole CPU.", 512, 10_240)
    timeout_s: int = _whole(
        25, "Seconds after which a request is given up; the gateway does so after 29.", 5, GATEWAY_SECONDS - 1
    )
    reserved_concurrency: int = _whole(
        10, "Most photographs judged at once, kept free for this function; 0 sets no limit and keeps nothing.", 0, 1000
    )
    provisioned_concurrency: int = _whole(
        0, "Functions kept started, which are paid for all day; 0 starts them when they are asked for.", 0, 1000
    )
    rollout: str = _choice("canary_10_percent_5_minutes", "How the traffic moves to a new version.", ROLLOUTS)
    tracing: bool = _switch("Whether X-Ray traces are taken; the function may then write to X-Ray.")
    log_days: int = _choice(30, "Days after which logs are deleted.", LOG_DAYS)
    requests_per_second: int = _whole(10, "Requests to the API per second, over time; more are answered 429.", 1, 10_000)
    burst: int = _whole(20, "Requests to the API that may come at once.", 1, 5000)
    domain_name: str = _text("", "Own domain of the page; empty takes CloudFront's.", _HOST, "moles.example.org")
    hosted_zone_id: str = _text(
        "",
        "Route 53 zone of the domain: makes its records, and a certificate where none is named.",
        r"Z[A-Z0-9]{1,31}",
        "Z0123456789",
    )
    certificate_arn: str = _text(
        "",
        "Certificate of the domain, in us-east-1; needed where the domain's zone is not in Route 53.",
        r"arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]+",
        "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-…",
    )
    price_class: str = _choice(
        "100",
        "CloudFront's locations: 100 is Europe and North America, 200 also Asia and Africa, all is all.",
        ("100", "200", "all"),
    )
    hsts_days: int = _whole(365, "Days for which browsers refuse the page without TLS.", 1, 730)
    waf: bool = _switch("Whether a web firewall limits the requests of one address; it costs USD 6 a month.")
    waf_requests: int = _whole(
        300, "Requests to the API in five minutes from one address before it is stopped.", 10, 1_000_000
    )
    alarm_email: str = _text(
        "",
        "Who is written to on an alarm; empty leaves it to subscriptions made by hand.",
        r"[^@\s]+@[^@\s]+\.[^@\s]+",
        "you@example.org",
    )
    slow_ms: int = _whole(3000, "Milliseconds; the slowest twentieth of requests above this is an alarm.", 100, 25_000)
    budget_usd: int = _whole(
        10, "US dollars a month, of the whole account, that are announced when spent; 0 announces nothing.", 0, 1_000_000
    )
    title: str = _text("", "Title of the page; empty takes the function's own.", r"[^\r\n]{1,100}", "Moles")
    code_url: str = _text(
        "", "Address of the source code, which the page then links to.", r"https://\S{1,500}", "https://example.org/code"
    )
    url_hosts: str = _text(
        "",
        "Hosts, with commas between, that GET /api/classify?url= may fetch from; empty turns the route off.",
        rf"{_HOST}(,{_HOST})*",
        "images.example.org,other.example.org",
    )
    origin_secret: int = _whole(
        1,
        "Which secret CloudFront shows the function; raise it by one to change the secret (docs/operations.md).",
        1,
        1_000_000,
    )
    batch_bucket: str = _text(
        "",
        "Bucket of photographs to be judged all at once, in this account and region; makes the stack for that "
        "(docs/operations.md), empty makes none.",
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "my-photographs",
    )
    batch_prefix: str = _text(
        "",
        "Folder in that bucket, with a slash at its end, which is all that is read of it; empty is the whole bucket.",
        r"([A-Za-z0-9!_.()=-]{1,100}/){1,5}",
        "clinic/2025/",
    )
    batch_concurrency: int = _whole(
        100, "Most functions of the batch at once, kept free for them; the service has its own.", 1, 1000
    )


def read_settings(context: Mapping[str, Any]) -> Settings:
    """The settings in a CDK context; keys without the prefix are CDK's and ignored.

    Raises:
        SettingError: an unknown key, a value that cannot be understood, or values that contradict each other.
    """
    given = {key.removeprefix(PREFIX): value for key, value in context.items() if key.startswith(PREFIX)}
    known = {item.name: item for item in fields(Settings)}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise SettingError(
            f"{PREFIX}{unknown[0]} is not a setting. Remove it, or correct its name; the settings are {', '.join(known)}."
        )
    settings = Settings(**{name: _read(known[name], value) for name, value in given.items()})
    _agree(settings)
    return settings


def table() -> str:
    """The settings as a Markdown table, which docs/operations.md holds."""
    rows = [f"| `{item.name}` | {_shown(item.default)} | {item.metadata['says']} |" for item in fields(Settings)]
    return "\n".join(("| setting | default | meaning |", "|---|---|---|", *rows))


def _shown(value: Any) -> str:
    return "" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _read(item: "Field[Any]", value: Any) -> Any:
    # `-c key=value` on the command line gives text, whatever the type.
    if isinstance(item.default, bool):
        return _read_switch(item, value)
    if isinstance(item.default, int):
        return _read_whole(item, value)
    return _read_text(item, value)


def _read_switch(item: "Field[Any]", value: Any) -> bool:
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise _wrong(item, value, "true or false")
    return value


def _read_whole(item: "Field[Any]", value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    choices = item.metadata.get("choices")
    if choices:
        if isinstance(value, bool) or value not in choices:
            raise _wrong(item, value, f"one of {', '.join(map(str, choices))}")
        return int(value)
    least, most = item.metadata["least"], item.metadata["most"]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _wrong(item, value, f"a whole number from {least} to {most}")
    return value


def _read_text(item: "Field[Any]", value: Any) -> str:
    choices = item.metadata.get("choices")
    if choices:
        # 100 without quotation marks is a number in JSON.
        if isinstance(value, bool) or str(value) not in choices:
            raise _wrong(item, value, f"one of {', '.join(choices)}")
        return str(value)
    if value == "" and item.default == "":
        return ""
    if not isinstance(value, str) or not re.fullmatch(item.metadata["pattern"], value):
        raise _wrong(item, value, f"something like {item.metadata['example']}")
    return value


def _wrong(item: "Field[Any]", value: Any, wanted: str) -> SettingError:
    return SettingError(f"{PREFIX}{item.name} is {value!r}. Set it to {wanted}, in cdk.json or with -c, or leave it out.")


def _agree(settings: Settings) -> None:
    """Check what one value says of another."""
    if settings.domain_name and not (settings.certificate_arn or settings.hosted_zone_id):
        raise SettingError(
            f"{PREFIX}domain_name needs a certificate. Set {PREFIX}hosted_zone_id where Route 53 holds the domain, "
            f"or else {PREFIX}certificate_arn."
        )
    if not settings.domain_name and (settings.certificate_arn or settings.hosted_zone_id):
        raise SettingError(
            f"{PREFIX}certificate_arn and {PREFIX}hosted_zone_id belong to a domain. Set {PREFIX}domain_name too, "
            "or leave them out."
        )
    if 0 < settings.reserved_concurrency < settings.provisioned_concurrency:
        raise SettingError(
            f"{PREFIX}provisioned_concurrency is more than {PREFIX}reserved_concurrency. Make the first at most the second."
        )
    if settings.batch_prefix and not settings.batch_bucket:
        raise SettingError(f"{PREFIX}batch_prefix belongs to a bucket. Set {PREFIX}batch_bucket too, or leave it out.")
    if settings.slow_ms >= 1000 * settings.timeout_s:
        raise SettingError(
            f"{PREFIX}slow_ms is not below {PREFIX}timeout_s, so the alarm could never sound. "
            "Lower the first or raise the second."
        )


if __name__ == "__main__":
    print(table())
