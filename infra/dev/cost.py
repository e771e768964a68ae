"""Cost of predictions on AWS, from the list prices of infra/prices.json and a measured duration.

`python -m infra.dev.cost --ms 95` prints the tables of docs/costs.md for figures of one's own. Free tiers are not deducted.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

from infra.dev.prices import allowance, as_of, price

PRICES_AS_OF = as_of()

HTTP_API_KB = 512
"""The HTTP API counts each started unit of this size as a request."""
EXPRESS_GB = 64 / 1024
"""Minimum billed memory of an express execution."""
S3_LISTED = 1000
"""Keys of one listing."""
EIGHT_VIEWS_MS = 83.0
"""Duration of a prediction with eight views, the page's default, as measured in docs/benchmarks/memory-size.md."""
IMAGE_GB = 0.4
"""Image and its predecessor, compressed, with their base."""
FIREWALL_RULES = 2
ALARM_METRICS = 11
"""Metrics that the alarms of the default deployment evaluate."""
METRICS = 5
"""Metrics that the function's log lines create."""

MONTH_S = 30 * 86_400
MB_PER_GB = 1024
KB_PER_GB = 1024 * 1024


@dataclass(frozen=True)
class PredictionLoad:
    """Billed quantities of one prediction.

    The defaults of `ms` (one view, 1024 x 768) and `init_ms` are measured: docs/benchmarks/memory-size.md, cold-start.md.

    Attributes:
        ms: warm duration of the function in milliseconds.
        init_ms: duration of a cold start in milliseconds, billed as well.
        cold: share of predictions with a cold start, 0 to 1.
        memory_mb: memory of the function.
        photo_kb: upload in KB.
        answer_kb: response in KB.
        log_kb: log lines of function, platform and HTTP API in KB.
    """

    ms: float = 18
    init_ms: float = 350
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
        "Lambda, duration": seconds * load.memory_mb / MB_PER_GB * price("lambda_gb_second"),
        "Lambda, requests": price("lambda_request"),
        "HTTP API": metered * price("http_api_request"),
        "CloudFront, requests": price("cloudfront_request") + price("cloudfront_function"),
        "CloudFront, upload and answer": (
            load.photo_kb * price("cloudfront_origin_gb") + load.answer_kb * price("cloudfront_out_gb")
        )
        / KB_PER_GB,
        "Logs": load.log_kb / KB_PER_GB * price("log_gb"),
    }


def idle_costs(*, topic_key: bool = True) -> dict[str, float]:
    """Return what is billed every month although nobody calls, in US dollars per item.

    Args:
        topic_key: the setting: a customer key encrypts the topic of the alarms.
    """
    free = min(ALARM_METRICS, allowance("alarm_free_metrics"))
    key = {"Key of the alarm topic, in its first year": price("key_month")} if topic_key else {}
    return {
        **key,
        "Secret between CloudFront and the function": price("secret_month"),
        f"Image and its predecessor, {IMAGE_GB} GB": IMAGE_GB * price("image_gb_month"),
        f"{ALARM_METRICS} metrics of alarms, {free:g} of them free in an account": (ALARM_METRICS - free)
        * price("alarm_metric_month"),
    }


def optional_costs(load: PredictionLoad) -> dict[str, float]:
    """Return what an account pays for a setting, or if others use its free allowances, in US dollars a month per item."""
    return {
        "Key, from its first and from its second rotation on, each": price("key_month"),
        "Dashboard (3 are free in an account)": price("dashboard_month"),
        f"{METRICS} metrics, in months with predictions (10 are free in an account)": METRICS * price("metric_month"),
        f"Option `waf`, and USD {1e6 * price('waf_request'):.2f} per million requests": firewall_month(),
        "Option `provisioned_concurrency`, each": MONTH_S
        * load.memory_mb
        / MB_PER_GB
        * price("lambda_provisioned_gb_second"),
        "Option `snap_start`, each kept version": MONTH_S
        * load.memory_mb
        / MB_PER_GB
        * price("lambda_snap_start_gb_second"),
    }


def firewall_month() -> float:
    """Return the price of the web ACL and its rules in US dollars a month."""
    return price("waf_acl_month") + FIREWALL_RULES * price("waf_rule_month")


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
        "Lambda, duration": seconds * bulk.memory_mb / MB_PER_GB * price("lambda_gb_second"),
        "Lambda, requests": batches * price("lambda_request"),
        "S3, images read": images * price("s3_get"),
        "S3, results written, images listed": (batches + math.ceil(images / S3_LISTED)) * price("s3_put"),
        "Step Functions, batches": batches * price("express_request") + seconds * EXPRESS_GB * price("express_gb_second"),
        "Step Functions, transitions": batches * price("state_transition"),
    }


def batch_hours(bulk: BatchRun, images: int = 1_000_000) -> float:
    """Return the duration in hours with every execution environment busy."""
    return (images * bulk.ms / bulk.at_once + bulk.start_ms) / 3_600_000


def table(title: str, costs: dict[str, float], total: str = "") -> str:
    """Return items and their costs in US dollars as a Markdown table, with their sum where it is named."""
    rows = [*costs.items(), *([(f"**{total}**", sum(costs.values()))] if total else ())]
    return "\n".join([f"| {title} | |", "|---|---|", *(f"| {name} | {cost:.2f} |" for name, cost in rows)])


def prediction_table(load: PredictionLoad) -> str:
    """Return the cost of a prediction as Markdown."""
    parts = prediction_costs(load)
    rows = [*parts.items(), ("**together**", sum(parts.values()))]
    lines = [
        f"One prediction: {load.ms:g} ms at {load.memory_mb} MB, a start of {load.init_ms:g} ms before {load.cold:.0%} of "
        f"them, {load.photo_kb:g} KB up, {load.answer_kb:g} KB down.",
        "",
        "| USD | per 1,000 | per million |",
        "|---|---|---|",
        *(f"| {name} | {1000 * cost:.4f} | {1e6 * cost:.2f} |" for name, cost in rows),
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
    load = PredictionLoad(**vars(parser.parse_args()))
    print(prediction_table(load), "", table("USD a month, whether anybody calls or not", idle_costs()), sep="\n")


if __name__ == "__main__":
    main()
