"""Cost of predictions on AWS, from list prices and a measured duration.

`python -m infra.dev.cost --ms 19 --photo-kb 300` prints the tables of docs/operations.md.

The prices are AWS's list prices for us-east-1, in US dollars and without free tiers, as of `PRICES_AS_OF`, from the pages in
`SOURCES`. They are not fetched: check there before you rely on them.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

PRICES_AS_OF = "the middle of 2025"
SOURCES = (
    "https://aws.amazon.com/lambda/pricing/",
    "https://aws.amazon.com/api-gateway/pricing/",
    "https://aws.amazon.com/cloudfront/pricing/",
    "https://aws.amazon.com/cloudwatch/pricing/",
    "https://aws.amazon.com/waf/pricing/",
    "https://aws.amazon.com/secrets-manager/pricing/",
    "https://aws.amazon.com/kms/pricing/",
    "https://aws.amazon.com/ecr/pricing/",
    "https://aws.amazon.com/step-functions/pricing/",
    "https://aws.amazon.com/s3/pricing/",
)

LAMBDA_GB_SECOND = 0.0000166667
"""x86, the first tier."""
LAMBDA_REQUEST = 0.20 / 1e6
PROVISIONED_GB_SECOND = 0.0000041667
HTTP_API_REQUEST = 1.00 / 1e6
"""Per started `HTTP_API_KB` of a request or its response."""
HTTP_API_KB = 512
CLOUDFRONT_REQUEST = 0.0100 / 10_000
"""Over TLS, from North America and Europe."""
CLOUDFRONT_FUNCTION = 0.10 / 1e6
"""One run of the CloudFront function per request to the API."""
CLOUDFRONT_OUT_GB = 0.085
"""To the caller, the first 10 TB."""
CLOUDFRONT_ORIGIN_GB = 0.020
"""From the caller to the API."""
LOG_GB = 0.50
METRIC_MONTH = 0.30
ALARM_MONTH = 0.10
DASHBOARD_MONTH = 3.00
SECRET_MONTH = 0.40
KEY_MONTH = 1.00
IMAGE_GB_MONTH = 0.10
WAF_MONTH = 5.00 + 1.00
"""Web ACL and its one rule."""
WAF_REQUEST = 0.60 / 1e6
STATE_TRANSITION = 0.025 / 1000
"""Standard execution; conservatively, a distributed map counts one transition per batch, too."""
EXPRESS_REQUEST = 1.00 / 1e6
EXPRESS_GB_SECOND = 0.00001667
EXPRESS_GB = 64 / 1024
"""Minimum billed memory of an express execution."""
S3_GET = 0.0004 / 1000
S3_PUT = 0.005 / 1000
"""A listing of up to `S3_LISTED` keys costs the same."""
S3_LISTED = 1000

MONTH_S = 30 * 86_400
MB_PER_GB = 1024
KB_PER_GB = 1024 * 1024


@dataclass(frozen=True)
class PredictionLoad:
    """Billed quantities of one prediction.

    The defaults of `ms` and `init_ms` are measured, see docs/README.md.

    Attributes:
        ms: warm duration of the function in milliseconds.
        init_ms: duration of a cold start in milliseconds, billed as well.
        cold: share of predictions with a cold start, 0 to 1.
        memory_mb: memory of the function.
        photo_kb: upload in KB.
        answer_kb: response in KB.
        log_kb: log lines of function, platform and HTTP API in KB.
    """

    ms: float = 19
    init_ms: float = 320
    cold: float = 0.02
    memory_mb: int = 1769
    photo_kb: float = 300
    answer_kb: float = 4
    log_kb: float = 2


def prediction_costs(load: PredictionLoad) -> dict[str, float]:
    """Return the cost of one prediction in US dollars per item."""
    seconds = (math.ceil(load.ms) + load.cold * math.ceil(load.init_ms)) / 1000
    metered = max(1, math.ceil(load.photo_kb / HTTP_API_KB))
    return {
        "Lambda, duration": seconds * load.memory_mb / MB_PER_GB * LAMBDA_GB_SECOND,
        "Lambda, requests": LAMBDA_REQUEST,
        "HTTP API": metered * HTTP_API_REQUEST,
        "CloudFront, requests": CLOUDFRONT_REQUEST + CLOUDFRONT_FUNCTION,
        "CloudFront, upload and answer": (load.photo_kb * CLOUDFRONT_ORIGIN_GB + load.answer_kb * CLOUDFRONT_OUT_GB)
        / KB_PER_GB,
        "Logs": load.log_kb / KB_PER_GB * LOG_GB,
    }


def monthly_costs(load: PredictionLoad) -> dict[str, float]:
    """Return the fixed cost per month in US dollars per item, ordered by how optional the item is."""
    return {
        "Key of the alarm topic": KEY_MONTH,
        "Secret between CloudFront and the function": SECRET_MONTH,
        "4 alarms (10 are free in an account)": 4 * ALARM_MONTH,
        "Dashboard (3 are free in an account)": DASHBOARD_MONTH,
        "5 metrics, in months with predictions (10 are free in an account)": 5 * METRIC_MONTH,
        "Image and its predecessor, 0.4 GB": 0.4 * IMAGE_GB_MONTH,
        "Option `waf`, and USD 0.60 per million requests": WAF_MONTH,
        "Option `provisioned_concurrency`, each": MONTH_S * load.memory_mb / MB_PER_GB * PROVISIONED_GB_SECOND,
    }


@dataclass(frozen=True)
class BatchRun:
    """Billed quantities of a batch run over a bucket.

    Attributes:
        ms: duration of the function per image in milliseconds.
        start_ms: duration of a cold start in milliseconds, once per execution environment.
        at_once: concurrent execution environments.
        memory_mb: memory of each in MB.
        batch: images per invocation.
    """

    ms: float
    start_ms: float
    at_once: int
    memory_mb: int
    batch: int


def batch_costs(bulk: BatchRun, images: int = 1_000_000) -> dict[str, float]:
    """Return the cost of classifying that many images in US dollars per item."""
    batches = math.ceil(images / bulk.batch)
    seconds = (images * bulk.ms + bulk.at_once * bulk.start_ms) / 1000
    return {
        "Lambda, duration": seconds * bulk.memory_mb / MB_PER_GB * LAMBDA_GB_SECOND,
        "Lambda, requests": batches * LAMBDA_REQUEST,
        "S3, images read": images * S3_GET,
        "S3, results written, images listed": (batches + math.ceil(images / S3_LISTED)) * S3_PUT,
        "Step Functions, batches": batches * EXPRESS_REQUEST + seconds * EXPRESS_GB * EXPRESS_GB_SECOND,
        "Step Functions, transitions": batches * STATE_TRANSITION,
    }


def batch_hours(bulk: BatchRun, images: int = 1_000_000) -> float:
    """Return the duration in hours with every execution environment busy."""
    return (images * bulk.ms / bulk.at_once + bulk.start_ms) / 3_600_000


def cost_tables(load: PredictionLoad) -> str:
    """Return both tables as Markdown."""
    parts = prediction_costs(load)
    rows = [*parts.items(), ("**together**", sum(parts.values()))]
    lines = [
        f"One prediction: {load.ms:g} ms at {load.memory_mb} MB, a start of {load.init_ms:g} ms before {load.cold:.0%} of "
        f"them, {load.photo_kb:g} KB up, {load.answer_kb:g} KB down.",
        "",
        "| USD | per 1,000 | per million |",
        "|---|---|---|",
        *(f"| {name} | {1000 * cost:.4f} | {1e6 * cost:.2f} |" for name, cost in rows),
        "",
        "| USD a month, whether anybody calls or not | |",
        "|---|---|",
        *(f"| {name} | {cost:.2f} |" for name, cost in monthly_costs(load).items()),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables for the load on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.dev.cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    numbers: dict[str, tuple[Callable[[str], float], str]] = {
        "ms": (float, "duration of a prediction, as measured"),
        "init-ms": (float, "duration of a start"),
        "cold": (float, "share of predictions that wait for a start, 0 to 1"),
        "memory-mb": (int, "memory of the function"),
        "photo-kb": (float, "size of an image"),
    }
    for name, (kind, says) in numbers.items():
        default = getattr(PredictionLoad, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, default=default, metavar="N", help=f"{says} ({default})")
    print(cost_tables(PredictionLoad(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
