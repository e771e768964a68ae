"""Settings of a deployment with their defaults, bounds and descriptions."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from infra.config.fields import HOST, Number, Switch, parse_choice, parse_number, refuse_bool, text

GATEWAY_SECONDS = 29
"""Timeout of the HTTP API's integration, the largest that it allows. A function that runs longer is billed although nobody
receives its answer."""

FIREWALL_WINDOW_S = 300
"""Window in seconds over which the web ACL counts requests, and of the alarms on traffic."""

LogDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]
"""Retention periods of CloudWatch Logs, up to a year."""

RolloutStrategy = Literal[
    "all_at_once",
    "canary_10_percent_5_minutes",
    "canary_10_percent_15_minutes",
    "linear_10_percent_every_1_minute",
    "linear_10_percent_every_3_minutes",
]
PriceClass = Literal["100", "200", "all"]
Architecture = Literal["x86_64", "arm64"]


class Settings(BaseModel):
    """Settings of one deployment. Every field is a key `lesion:<name>`; an empty text means "none"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = text(
        "Lesion",
        "Name of the stack. Another name is another, independent service.",
        r"[A-Za-z][A-Za-z0-9]{0,39}",
        "Lesion",
    )
    region: str = text(
        "us-east-1",
        "AWS region of everything except what CloudFront requires in us-east-1.",
        r"[a-z]{2}(-[a-z]+)+-\d",
        "eu-central-1",
    )
    memory_mb: Number = Field(
        default=1769, description="Memory of the function. 1769 MB include one whole vCPU.", ge=512, le=10_240
    )
    architecture: Architecture = Field(
        default="x86_64",
        description="Processor of the functions. arm64 costs a fifth less for each second; its speed is not measured yet "
        "(docs/operations.md).",
    )
    snap_start: Switch = Field(
        default=False,
        description="Whether new environments start from a snapshot (SnapStart). Each kept version has a monthly price; "
        "excludes `provisioned_concurrency` (docs/operations.md).",
    )
    timeout_s: Number = Field(
        default=25,
        description="Timeout of the function in seconds. The HTTP API stops waiting after 29.",
        ge=5,
        le=GATEWAY_SECONDS - 1,
    )
    reserved_concurrency: Number = Field(
        default=10,
        description="Reserved concurrency of the function: images classified at once. 0 reserves and limits nothing.",
        ge=0,
        le=1000,
    )
    provisioned_concurrency: Number = Field(
        default=0,
        description="Execution environments kept initialised, billed all day. 0 initialises them on demand.",
        ge=0,
        le=1000,
    )
    rollout: RolloutStrategy = Field(
        default="canary_10_percent_5_minutes", description="How traffic is shifted to a new version of the function."
    )
    tracing: Switch = Field(
        default=False, description="Whether X-Ray traces are recorded. The function may then write to X-Ray."
    )
    log_days: Annotated[LogDays, BeforeValidator(refuse_bool), BeforeValidator(parse_number)] = Field(
        default=30, description="Days after which logs are deleted."
    )
    requests_per_second: Number = Field(
        default=10,
        description="Sustained requests per second to the API. Requests beyond this are answered 429.",
        ge=1,
        le=10_000,
    )
    burst: Number = Field(default=20, description="Burst limit: requests to the API that may arrive at once.", ge=1, le=5000)
    domain_name: str = text("", "Custom domain of the page. Empty uses CloudFront's domain.", HOST, "moles.example.org")
    hosted_zone_id: str = text(
        "",
        "Route 53 hosted zone of the domain. Creates its records, and a certificate if none is given.",
        r"Z[A-Z0-9]{1,31}",
        "Z0123456789",
    )
    certificate_arn: str = text(
        "",
        "ACM certificate of the domain, in us-east-1. Required if the domain's zone is not in Route 53.",
        r"arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]+",
        "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-…",
    )
    price_class: Annotated[PriceClass, BeforeValidator(parse_choice)] = Field(
        default="100",
        description="CloudFront price class: 100 is Europe and North America, 200 adds Asia and Africa, all is global.",
    )
    hsts_days: Number = Field(
        default=365, description="Days for which browsers refuse the page without TLS (HSTS).", ge=1, le=730
    )
    waf: Switch = Field(
        default=False, description="Whether a web ACL limits the requests of one IP address. It has a monthly price."
    )
    waf_requests: Number = Field(
        default=300,
        description="Requests to the API from one IP address in five minutes before it is blocked.",
        ge=10,
        le=1_000_000,
    )
    waf_page_requests: Number = Field(
        default=600,
        description="Requests to all paths from one IP address in five minutes before it is blocked. A visit has thirty.",
        ge=100,
        le=1_000_000,
    )
    flat_rate_plan: Switch = Field(
        default=False,
        description="Whether CloudFront's flat-rate plan Free covers the distribution. Needs `waf`; not confirmed in an "
        "account (docs/operations.md).",
    )
    stopped: Switch = Field(
        default=False,
        description="Whether the service stays off: distribution disabled, no concurrency. For deployments while stopped "
        "(docs/operations.md).",
    )
    alarm_requests: Number = Field(
        default=20_000,
        description="Alarm threshold for requests to CloudFront in five minutes.",
        ge=100,
        le=1_000_000_000,
    )
    alarm_download_mb: Number = Field(
        default=2000,
        description="Alarm threshold for the data that CloudFront sends in five minutes, in MB.",
        ge=10,
        le=1_000_000_000,
    )
    alarm_rejected_percent: Number = Field(
        default=50, description="Alarm threshold for the share of 4xx among requests to the API, in percent.", ge=1, le=100
    )
    alarm_refused_percent: Number = Field(
        default=60,
        description="Alarm threshold for the share of refused images in an hour, in percent. Choose twice the usual share.",
        ge=1,
        le=100,
    )
    topic_key: Switch = Field(
        default=True,
        description="Whether a KMS key of this account encrypts the alarms' topic. It has a monthly price.",
    )
    alarm_email: str = text(
        "",
        "Recipient of alarms. Empty leaves subscriptions to you.",
        r"[^@\s]+@[^@\s]+\.[^@\s]+",
        "you@example.org",
    )
    slow_ms: Number = Field(
        default=3000,
        description="Alarm threshold for the 95th percentile of the API's latency, in milliseconds.",
        ge=100,
        le=25_000,
    )
    budget_usd: Number = Field(
        default=10,
        description="Monthly budget of the whole account in US dollars, announced when spent. 0 announces nothing.",
        ge=0,
        le=1_000_000,
    )
    title: str = text("", "Title of the page. Empty uses the function's default.", r"[^\r\n]{1,100}", "Moles")
    code_url: str = text(
        "", "Address of the source code, which the page links to.", r"https://\S{1,500}", "https://example.org/code"
    )
    url_hosts: str = text(
        "",
        "Comma-separated hosts that GET /api/classify?url= may fetch from. Empty turns the route off.",
        rf"{HOST}(,{HOST})*",
        "images.example.org,other.example.org",
    )
    origin_secret: Number = Field(
        default=1,
        description="Generation of the secret that CloudFront sends to the function. "
        "Raise it by one to rotate the secret (docs/operations.md).",
        ge=1,
        le=1_000_000,
    )
    batch_bucket: str = text(
        "",
        "Bucket whose images are classified in one go, in this account and region. It creates a stack for that "
        "(docs/operations.md). Empty creates none.",
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "my-images",
    )
    batch_prefix: str = text(
        "",
        "Prefix in that bucket, with a slash at its end: nothing else is read. Empty is the whole bucket.",
        r"([A-Za-z0-9!_.()=-]{1,100}/){1,5}",
        "clinic/2025/",
    )
    batch_concurrency: Number = Field(
        default=100, description="Reserved concurrency of the batch function, apart from the service's.", ge=1, le=1000
    )
