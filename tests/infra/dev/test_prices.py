"""Prices have a date, a region and a source, and are read from AWS's price list in the form that AWS documents."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.dev.prices import PriceError, address, entries, listed_price, main, updated

RECORDED = Path(__file__).parent / "price-list.json"
"""An offer file in AWS's documented form, with two regions' usage types, tiers and a free amount."""


@pytest.fixture
def offer() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(RECORDED.read_text())
    return read


def test_every_price_has_date_region_and_source() -> None:
    document = json.loads((Path(__file__).parents[3] / "infra" / "prices.json").read_text())
    assert document["currency"] == "USD"
    for name, item in {**document["prices"], **document["allowances"]}.items():
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", item["date"]), name
        assert re.match(r"https://([a-z0-9.-]+\.)?(aws\.amazon|amazonaws)\.com/", item["source"]), name
        assert item["unit"], name
    assert all(item["region"] and item["usd"] >= 0 for item in document["prices"].values())


def test_a_price_is_found_by_its_usage_type(offer: dict[str, Any]) -> None:
    assert listed_price(offer, "Request") == 2e-7


def test_the_first_tier_that_is_not_free_counts(offer: dict[str, Any]) -> None:
    assert listed_price(offer, "Lambda-GB-Second") == 0.0000166667


@pytest.mark.parametrize("usage", ["Lambda-GB", "Second", "Lambda-GB-Second-ARM64"])
def test_an_unknown_usage_type_is_refused(offer: dict[str, Any], usage: str) -> None:
    with pytest.raises(PriceError, match=f"AWSLambda states 0 prices for {usage}"):
        listed_price(offer, usage)


def test_two_different_prices_are_refused(offer: dict[str, Any]) -> None:
    offer["products"]["OTHER"] = {"sku": "OTHER", "attributes": {"usagetype": "USE1-Request"}}
    term = {"priceDimensions": {"a": {"beginRange": "0", "pricePerUnit": {"USD": "0.5"}}}}
    offer["terms"]["OnDemand"]["OTHER"] = {"OTHER.a": term}
    with pytest.raises(PriceError, match="2 prices"):
        listed_price(offer, "Request")


def test_found_prices_get_the_date_and_the_source_of_the_list(offer: dict[str, Any]) -> None:
    asked: list[str] = []

    def read(url: str) -> Any:
        asked.append(url)
        return offer

    known = {name: entries()[name] for name in ("lambda_request", "lambda_gb_second")}
    result, problems = updated(known, read)
    url = address("AWSLambda")
    assert asked == [url] and url.endswith("/AWSLambda/current/us-east-1/index.json")
    assert problems == []
    assert {(item["date"], item["source"]) for item in result.values()} == {("2026-11-20", url)}
    assert result["lambda_request"]["usd"] == 2e-7


def test_what_is_not_found_stays_and_is_named(offer: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    def read(url: str) -> Any:
        if "AmazonS3" in url:
            raise OSError("The network is unreachable.")
        return offer

    file = tmp_path / "prices.json"
    known = {name: entries()[name] for name in ("lambda_request", "s3_get", "secret_month", "flat_rate_free_month")}
    file.write_text(json.dumps({"currency": "USD", "prices": known}))
    assert main(read, file) == 1
    written = json.loads(file.read_text())["prices"]
    assert written["lambda_request"]["date"] == "2026-11-20"
    assert all(written[name] == known[name] for name in ("s3_get", "secret_month", "flat_rate_free_month"))
    said = capsys.readouterr()
    assert "s3_get: The network is unreachable." in said.err and "secret_month: " in said.err
    assert "1 of 4 prices were read." in said.out
