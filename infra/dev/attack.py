"""Cost of an hour of the most expensive requests, and of a month of visits, from list prices and measured sizes."""

from dataclasses import dataclass

from infra.config import FIREWALL_WINDOW_S, Settings
from infra.dev.cost import HTTP_API_KB, KB_PER_GB, MB_PER_GB, table
from infra.dev.prices import allowance, price

HOUR_S = 3600
BYTES_PER_GB = 1024**3
GIGABIT = 1e9 / 8
"""Bytes a second of one attacker's line at 1 Gbit/s; several lines cost as many times as much."""
FLOOD = 10_000
"""Requests a second of a flood of small ones."""

LARGEST_FILE_MB = 8.2
"""The model of private mode, compressed, in 10^6 bytes."""
PRIVATE_MODE_MB = 11.86
"""Model and runtime of private mode, which a browser downloads once, in 10^6 bytes."""
VISIT_KB = 130
"""First view of the page (docs/benchmarks/page-load.md)."""
VISIT_REQUESTS = 30
UPLOAD_MB = 4.5
"""The largest upload, in 10^6 bytes."""


@dataclass(frozen=True)
class Attack:
    """An hour of requests.

    Attributes:
        name: of the row in docs/operations.md.
        usd: cost of the hour in US dollars.
        limit: what ends or limits it.
    """

    name: str
    usd: float
    limit: str


def attacks(settings: Settings) -> list[Attack]:
    """Return the attacks with the limits of the settings. Throttled requests are counted as billed ones, too."""
    line_gb = GIGABIT * HOUR_S / BYTES_PER_GB
    files = GIGABIT * HOUR_S / (LARGEST_FILE_MB * 1e6)
    uploads = GIGABIT * HOUR_S / (UPLOAD_MB * 1e6)
    flood = FLOOD * HOUR_S
    request, function = price("cloudfront_request"), price("cloudfront_function")
    api, per_upload = price("http_api_request"), -(-UPLOAD_MB * 1e6 // (HTTP_API_KB * 1024))
    busy = _busy_function(settings)
    admitted = settings.waf_page_requests * HOUR_S / FIREWALL_WINDOW_S
    return [
        Attack(
            "The largest file, at 1 Gbit/s",
            line_gb * price("cloudfront_out_gb") + files * request,
            "alarm *Downloads*, kill switch; `waf` for each address",
        ),
        Attack(
            f"Small requests to the page, {FLOOD:,} a second",
            flood * request,
            "alarm *Requests*, kill switch; `waf` for each address",
        ),
        Attack(
            "Largest uploads to `/api/classify` through CloudFront, at 1 Gbit/s",
            line_gb * price("cloudfront_origin_gb") + uploads * (request + function + per_upload * api) + busy,
            "stage throttle and reserved concurrency for the function; the transfer as above",
        ),
        Attack(
            f"Small requests to `/api/ping` through CloudFront, {FLOOD:,} a second",
            flood * (request + function + api) + busy,
            "stage throttle for the function; the requests as above",
        ),
        Attack(
            f"The API's own address, {FLOOD:,} requests a second",
            flood * api + busy,
            "stage throttle and reserved concurrency for the function",
        ),
        Attack(
            f"With `waf`: one address, the largest file, {settings.waf_page_requests} times in five minutes",
            admitted * LARGEST_FILE_MB * 1e6 / BYTES_PER_GB * price("cloudfront_out_gb")
            + admitted * (request + price("waf_request")),
            "rule `all`; further requests of the address are blocked",
        ),
        Attack(
            f"With `waf`: {FLOOD:,} blocked requests a second",
            flood * price("waf_request"),
            "CloudFront does not bill blocked requests; the firewall bills inspected ones",
        ),
    ]


def _busy_function(settings: Settings) -> float:
    """Return the cost of an hour in which every execution environment is busy and the throttle is exhausted."""
    seconds = settings.reserved_concurrency * HOUR_S
    requests = settings.requests_per_second * HOUR_S
    return seconds * settings.memory_mb / MB_PER_GB * price("lambda_gb_second") + requests * price("lambda_request")


def attack_table(settings: Settings) -> str:
    """Return the attacks as a Markdown table."""
    rows = (f"| {item.name} | {item.usd:.2f} | {item.limit} |" for item in attacks(settings))
    return "\n".join(("| worst case | USD an hour | limited by |", "|---|---|---|", *rows))


def private_mode_table() -> str:
    """Return the cost of downloads of private mode as a Markdown table."""
    gb = PRIVATE_MODE_MB * 1e6 / BYTES_PER_GB
    costs = {f"{count:,} downloads": count * gb * price("cloudfront_out_gb") for count in (1000, 100_000)}
    return table(f"USD, {PRIVATE_MODE_MB:g} MB each", costs)


def plan_table() -> str:
    """Return CloudFront's part of a month of visits as Markdown: paid by use beside the flat-rate plan Free."""
    lines = [
        "| a month | requests | GB | paid by use, USD | plan Free, USD |",
        "|---|---|---|---|---|",
    ]
    for name, requests, gb in _months():
        billed = max(0.0, gb - allowance("cloudfront_free_gb")) * price("cloudfront_out_gb")
        billed += max(0.0, requests - allowance("cloudfront_free_requests")) * price("cloudfront_request")
        fits = requests <= allowance("flat_rate_free_requests") and gb <= allowance("flat_rate_free_gb")
        plan = f"{price('flat_rate_free_month'):.2f}{'' if fits else ', beyond its allowance'}"
        lines.append(f"| {name} | {requests:,.0f} | {gb:,.1f} | {billed:,.2f} | {plan} |")
    return "\n".join(lines)


def _months() -> list[tuple[str, float, float]]:
    """Return name, requests and GB of months with visits, a tenth of them with private mode, and of a day's attack."""
    kb = VISIT_KB + PRIVATE_MODE_MB * 1e6 / 1024 / 10
    visits = [
        (f"{count:,} visits", float(count * VISIT_REQUESTS), count * kb / KB_PER_GB) for count in (1000, 30_000, 1_000_000)
    ]
    day_bytes = 24 * HOUR_S * GIGABIT
    return [
        *visits,
        ("a day of the largest file at 1 Gbit/s", day_bytes / (LARGEST_FILE_MB * 1e6), day_bytes / BYTES_PER_GB),
    ]
